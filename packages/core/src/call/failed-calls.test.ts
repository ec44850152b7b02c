import { afterEach, describe, expect, it, jest } from '@jest/globals';
import type { CannedAnswer, PeerRoute } from '../../../../test/support/peer.ts';
import { endless, hangUp } from '../../../../test/support/peer.ts';
import { type CallWorld, startCallWorld, tokenOf } from '../../test-support/call-world.ts';

const opened: CallWorld[] = [];
afterEach(async () => {
  for (const world of opened.splice(0)) await world.close();
});

async function start(answers: PeerRoute, more?: Parameters<typeof startCallWorld>[2]): Promise<CallWorld> {
  const world = await startCallWorld(answers, {}, more);
  opened.push(world);
  return world;
}

const callLegs = (world: CallWorld) => world.emitted('leg').filter(({ leg }) => leg === 'call');
const problem = {
  headers: { 'content-type': 'application/problem+json' },
  body: '{"title":"Down","detail":"disk full"}',
};

describe('an error status that is handed to the caller', () => {
  it.each<[number, string]>([
    [400, 'invalid_response'],
    [404, 'invalid_response'],
    [405, 'invalid_response'],
    [429, 'rate_limited'],
    [500, 'peer_unavailable'],
    [502, 'peer_unavailable'],
    [503, 'peer_unavailable'],
  ])('%d is a leg that is not ok and a failed call with the code %s', async (status, code) => {
    const world = await start({ status, ...problem, headers: { ...problem.headers, 'retry-after': '7' } });
    const response = await world.send();
    expect({ status: response.status, text: await response.text() }).toEqual({ status, text: problem.body });
    const expected = { code, status, peerText: 'Down: disk full', retryAfterSeconds: 7 };
    expect(callLegs(world)).toMatchObject([{ ok: false, ...expected }]);
    expect(world.emitted('call-failed')).toMatchObject([
      { ...expected, leg: 'call', server: 'notes', contact: 'server-owner' },
    ]);
    const [event] = world.emitted('call-failed');
    for (const words of [event?.message, event?.remedy]) expect(words).not.toContain('disk');
  });

  it('is the response of fetch, although the start of its body was read', async () => {
    const world = await start({ status: 503, ...problem });
    const response = await world.send();
    expect(response).toMatchObject({ status: 503, ok: false, bodyUsed: false, url: world.url, redirected: false });
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    const clone = response.clone();
    expect(clone).toMatchObject({ status: 503, url: world.url });
    expect(await clone.json()).toEqual({ title: 'Down', detail: 'disk full' });
    expect(await response.json()).toEqual({ title: 'Down', detail: 'disk full' });
    expect(response.bodyUsed).toBe(true);
    await expect(response.text()).rejects.toThrow(TypeError);
  });

  it('causes no unhandled rejection if the caller neither reads nor cancels it, and the principal is closed', async () => {
    const unhandled = jest.fn();
    process.on('unhandledRejection', unhandled);
    const world = await start(endless({ status: 500 }));
    const responses = [await world.send(), await world.send()];
    void responses[0]?.clone();
    await world.bot.close();
    await new Promise((resolve) => setTimeout(resolve, 50));
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });

  it('does not delay the caller if its body arrives slowly or never ends', async () => {
    const world = await start({
      async onWire({ response, write }) {
        response.writeHead(503, { 'content-type': 'text/plain' });
        await write('busy');
      },
    });
    const response = await world.send();
    const reader = response.body?.getReader();
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe('busy');
    await reader?.cancel();
    expect(world.emitted('call-failed')).toMatchObject([{ peerText: 'busy' }]);
  });
});

describe('a status with which a client continues as MCP describes', () => {
  const session = { 'mcp-session-id': 'a' };
  it.each<[string, RequestInit, number, boolean]>([
    ['a session that the server has ended', { method: 'POST', body: '{}', headers: session }, 404, false],
    ['a session that is gone', { method: 'POST', body: '{}', headers: session }, 410, false],
    ['a server without an event stream', { headers: session }, 405, true],
    ['a server whose sessions a client cannot end', { method: 'DELETE', headers: session }, 405, true],
    [
      'the question for a revision',
      { method: 'POST', body: '{}', headers: { 'mcp-method': 'server/discover' } },
      400,
      false,
    ],
  ])('is no failed call: %s', async (_what, init, status, ok) => {
    const world = await start({ status });
    expect((await world.send(init)).status).toBe(status);
    expect(world.emitted('call-failed')).toEqual([]);
    expect(callLegs(world)).toMatchObject([{ status, ok }]);
  });

  it('is a failed call for a GET that is not optional: the stream of revision 2024-11-05', async () => {
    const world = await start({ status: 404 });
    await world.send({ headers: { accept: 'text/event-stream' } });
    expect(world.emitted('call-failed')).toHaveLength(1);
  });
});

describe('a call that ends with an error', () => {
  const forbidden: CannedAnswer = { status: 403, body: { error_description: 'not today' } };

  it('has a leg that is not ok for each 401 and 403', async () => {
    const world = await start((request) => (tokenOf(request) === 'token-1' ? { status: 401 } : forbidden));
    await expect(world.send()).rejects.toMatchObject({ code: 'forbidden' });
    expect(callLegs(world)).toMatchObject([
      { ok: false, status: 401, code: 'token_refused' },
      { ok: false, status: 403, code: 'forbidden' },
    ]);
    expect(world.emitted('call-failed')).toMatchObject([{ code: 'forbidden', status: 403, peerText: 'not today' }]);
  });

  it('is counted if the server hangs up, with the code of the cause', async () => {
    const world = await start(hangUp());
    await expect(world.send()).rejects.toMatchObject({ code: 'unreachable' });
    expect(world.emitted('call-failed')).toMatchObject([{ code: 'unreachable', causeCode: 'UND_ERR_SOCKET' }]);
  });

  it('is counted for each caller if no token can be had, also without a request', async () => {
    const world = await start({});
    world.as.route('POST /token', { status: 429, headers: { 'retry-after': '600' }, body: 'slow down' });
    const attempts = await Promise.allSettled(Array.from({ length: 20 }, async () => world.send()));
    for (let round = 0; round < 20; round += 1) await world.send().catch(() => undefined);
    expect(attempts.every(({ status }) => status === 'rejected')).toBe(true);
    expect(world.emitted('call-failed')).toHaveLength(40);
    for (const event of world.emitted('call-failed')) {
      expect(event).toMatchObject({ server: 'notes', leg: 'redeem', code: 'rate_limited', status: 429 });
    }
    expect(world.mcp.requests).toEqual([]);
  });

  it('is not counted if the caller aborts it, or cancels it', async () => {
    const world = await start({ onWire: () => undefined });
    const controller = new AbortController();
    const call = world.send({ method: 'POST', body: '{}', signal: controller.signal });
    while (world.mcp.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    controller.abort();
    await expect(call).rejects.toThrow();
    expect(world.emitted('call-failed')).toEqual([]);
  });
});
