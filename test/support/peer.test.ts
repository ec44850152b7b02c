import { afterEach, describe, expect, test } from '@jest/globals';
import { drip, endless, hangUp, type Peer, type PeerHandler, type PeerRoutes, silence, startPeer } from './peer.ts';

let peer: Peer | undefined;
afterEach(async () => {
  await peer?.close();
  peer = undefined;
});

async function start(script: PeerHandler | PeerRoutes): Promise<Peer> {
  peer = await startPeer(script);
  return peer;
}

/** Waits until `condition` is true. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise<void>((resolve) => setImmediate(resolve));
}

describe('routes of a peer', () => {
  test('match by method and path, then by path, then by *', async () => {
    const { origin } = await start({
      'POST /token': { body: { access_token: 'x' } },
      '/token': { status: 405 },
      '*': { status: 418, body: 'teapot', headers: { 'content-type': 'text/plain' } },
    });
    const posted = await fetch(`${origin}/token`, { method: 'POST' });
    expect(posted.headers.get('content-type')).toBe('application/json');
    expect(await posted.json()).toEqual({ access_token: 'x' });
    expect((await fetch(`${origin}/token`)).status).toBe(405);
    const other = await fetch(`${origin}/other`);
    expect(other.status).toBe(418);
    expect(await other.text()).toBe('teapot');
  });

  test('answer 404 if none matches', async () => {
    const { origin } = await start({});
    expect((await fetch(origin)).status).toBe(404);
  });

  test('return the answers of an array one after the other, and then repeat the last', async () => {
    const { origin } = await start({ '/': [{ status: 503 }, { status: 429 }, { status: 200 }] });
    const statuses: number[] = [];
    for (let turn = 0; turn < 4; turn += 1) statuses.push((await fetch(origin)).status);
    expect(statuses).toEqual([503, 429, 200, 200]);
  });

  test('can be replaced while the peer runs', async () => {
    const running = await start({ '/': { status: 500 } });
    running.route('/', () => ({ status: 204 }));
    expect((await fetch(running.origin)).status).toBe(204);
  });

  test('stream an iterable body', async () => {
    const { origin } = await start(() => ({
      body: (async function* () {
        yield 'one ';
        yield Buffer.from('two');
      })(),
    }));
    expect(await (await fetch(origin)).text()).toBe('one two');
  });

  test('answer 599 with the error if a handler throws', async () => {
    const { origin } = await start(() => {
      throw new Error('typo');
    });
    const answer = await fetch(origin);
    expect(answer.status).toBe(599);
    expect(await answer.text()).toBe("the peer's script failed: Error: typo");
  });
});

test('a peer records requests with their form and their decoded Basic credentials', async () => {
  const running = await start({});
  await fetch(`${running.origin}/token?tenant=acme`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from('a%3Ab:s+%2B').toString('base64')}`, 'x-one': '1' },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'a b' }),
  });
  expect(running.received('POST /token')).toHaveLength(1);
  expect(running.requests[0]).toMatchObject({
    method: 'POST',
    path: '/token',
    form: { grant_type: 'client_credentials', scope: 'a b' },
    basic: { id: 'a:b', secret: 's +' },
    headers: { 'x-one': '1' },
  });
  expect(running.requests[0]?.query.get('tenant')).toBe('acme');
});

describe('misbehaviour of a peer', () => {
  test('an endless answer continues until the client disconnects, and counts its bytes', async () => {
    const running = await start(endlessRoute());
    const abort = new AbortController();
    const answer = await fetch(running.origin, { signal: abort.signal });
    const reader = answer.body?.getReader();
    let read = 0;
    while (read < 1_000_000) read += (await reader?.read())?.value?.byteLength ?? 0;
    abort.abort();
    await reader?.read().catch(() => undefined);
    expect(running.bytesWritten()).toBeGreaterThanOrEqual(1_000_000);
  });

  test('an endless answer does not delay close', async () => {
    const running = await start(endlessRoute());
    const answer = await fetch(running.origin);
    await running.close();
    await expect(answer.text()).rejects.toThrow();
    const written = running.bytesWritten();
    await new Promise<void>((resolve) => setImmediate(resolve));
    expect(running.bytesWritten()).toBe(written);
  });

  test('a request with silence gets no answer until the peer is closed', async () => {
    const running = await start({ '*': silence() });
    const answer = fetch(running.origin).then(
      () => 'answered',
      () => 'closed',
    );
    await until(() => running.requests.length === 1);
    await running.close();
    await expect(answer).resolves.toBe('closed');
  });

  test('a slow answer of single bytes is complete in the end', async () => {
    const running = await start({ '*': drip({ body: '{"a":1}', everyMs: 1 }) });
    expect(await (await fetch(running.origin)).json()).toEqual({ a: 1 });
    expect(running.bytesWritten()).toBe(7);
  });

  test('hangUp closes the connection before or during an answer', async () => {
    const running = await start({ '/before': hangUp(), '/inside': hangUp('{"access_') });
    await expect(fetch(`${running.origin}/before`)).rejects.toThrow();
    const inside = await fetch(`${running.origin}/inside`);
    await expect(inside.text()).rejects.toThrow();
  });
});

function endlessRoute(): PeerRoutes {
  return { '*': endless({ chunk: 'x'.repeat(4096) }) };
}
