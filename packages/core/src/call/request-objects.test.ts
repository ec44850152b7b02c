import type { FetchLike } from '@credence/protocol';
import { afterEach, describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import type { PeerRoute } from '../../../../test/support/peer.ts';
import { type CallWorld, startCallWorld } from '../../test-support/call-world.ts';
import { generateDpopKeyPair } from '../dpop/dpop-keys.ts';
import type { McpServerOptions } from '../principal/options.ts';

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

/** Starts a server that responds with `answers`, and a bot with a fetch for it. */
async function start(
  answers: PeerRoute,
  server: Partial<McpServerOptions> = {},
): Promise<CallWorld & { readonly fetch: FetchLike }> {
  const world = await startCallWorld(answers, server);
  opened.push(world);
  return { ...world, fetch: world.bot.fetchFor('notes') };
}

const MESSAGE = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ünïcode"}}';

const post = (url: string, init: RequestInit = {}) =>
  new Request(url, { method: 'POST', body: MESSAGE, headers: { 'content-type': 'application/json' }, ...init });

const refused = { status: 401, headers: { 'www-authenticate': 'Bearer error="invalid_token"' } };

describe('the function that fetchFor returns', () => {
  it('has the type of the global fetch', async () => {
    const { fetch } = await start({ body: {} });
    fetch satisfies typeof globalThis.fetch;
    globalThis.fetch satisfies FetchLike;
    const replacement: typeof globalThis.fetch = fetch;
    expect(replacement).toBe(fetch);
  });
});

describe('a call with a Request', () => {
  it('sends the method, headers and body of the Request with the access token of the bot', async () => {
    const { url, fetch, mcp } = await start({ body: { ok: true } });
    const headers = { 'content-type': 'application/json', 'x-trace': 'abc', authorization: 'Bearer another-token' };
    const response = await fetch(post(`${url}?a=b`, { headers }));
    expect(await response.json()).toEqual({ ok: true });
    expect(mcp.requests).toHaveLength(1);
    expect(mcp.requests[0]).toMatchObject({
      method: 'POST',
      path: '/mcp',
      body: MESSAGE,
      headers: { 'content-type': 'application/json', 'x-trace': 'abc', authorization: 'Bearer token-1' },
    });
    expect(mcp.requests[0]?.query.get('a')).toBe('b');
  });

  it('sends a Request without a body', async () => {
    const { url, fetch, mcp } = await start({ body: {} });
    await fetch(new Request(url, { headers: { accept: 'text/event-stream' } }));
    expect(mcp.requests[0]).toMatchObject({ method: 'GET', body: '', headers: { accept: 'text/event-stream' } });
    expect(mcp.requests[0]?.headers['content-length']).toBeUndefined();
  });

  it('sends a binary body unchanged', async () => {
    const { url, fetch, mcp } = await start([refused, { body: {} }]);
    const body = new Uint8Array([104, 105, 0, 10]);
    const headers = { 'content-type': 'application/octet-stream' };
    expect((await fetch(post(url, { body, headers }))).status).toBe(200);
    expect(mcp.requests.map((request) => [...Buffer.from(request.body)])).toEqual([[...body], [...body]]);
  });

  it('sends a JSON body byte by byte too, also with a byte order mark', async () => {
    const { url, fetch, mcp } = await start({ body: {} });
    const body = new TextEncoder().encode(`\uFEFF${MESSAGE}`);
    await fetch(post(url, { body }));
    expect([...Buffer.from(mcp.requests[0]?.body ?? '')]).toEqual([...body]);
    expect(mcp.requests[0]?.headers['content-length']).toBe(String(body.length));
  });

  it('sends the same body again with a new token after a 401, even if the body is a stream', async () => {
    const { url, fetch, as, mcp } = await start([refused, { body: {} }]);
    const body = new Blob([MESSAGE]).stream();
    expect((await fetch(post(url, { body, duplex: 'half' }))).status).toBe(200);
    expect(mcp.requests.map(({ headers, body: sent }) => [headers.authorization, sent])).toEqual([
      ['Bearer token-1', MESSAGE],
      ['Bearer token-2', MESSAGE],
    ]);
    expect(as.received('POST /token')).toHaveLength(2);
  });

  it('sends the same body again with more scopes after a 403', async () => {
    const challenge = 'Bearer error="insufficient_scope", scope="tools:write"';
    const { url, fetch, mcp } = await start(
      [{ status: 403, headers: { 'www-authenticate': challenge } }, { body: {} }],
      { scopes: ['tools:read'], stepUp: ['tools:write'] },
    );
    expect((await fetch(post(url))).status).toBe(200);
    expect(mcp.requests.map(({ body }) => body)).toEqual([MESSAGE, MESSAGE]);
  });

  it('sends a new proof for the method and the URL with each attempt', async () => {
    const { url, fetch, mcp } = await start(
      [
        { status: 401, headers: { 'www-authenticate': 'DPoP error="use_dpop_nonce"', 'dpop-nonce': 'first' } },
        { status: 401, headers: { 'www-authenticate': 'DPoP error="invalid_token"' } },
        { body: {} },
      ],
      { dpop: await generateDpopKeyPair() },
    );
    expect((await fetch(post(`${url}?a=b`))).status).toBe(200);
    const proofs = mcp.requests.map(({ headers }) => decodeJwt(String(headers['dpop'])));
    expect(proofs.map(({ htm, htu, nonce }) => ({ htm, htu, nonce }))).toEqual([
      { htm: 'POST', htu: url, nonce: undefined },
      { htm: 'POST', htu: url, nonce: 'first' },
      { htm: 'POST', htu: url, nonce: 'first' },
    ]);
    expect(new Set(proofs.map(({ jti }) => jti)).size).toBe(3);
    expect(mcp.requests.map(({ headers, body }) => [headers.authorization, body])).toEqual([
      ['DPoP token-1', MESSAGE],
      ['DPoP token-1', MESSAGE],
      ['DPoP token-2', MESSAGE],
    ]);
  });

  it('uses the members of init before those of the Request, as the global fetch does', async () => {
    const { url, fetch, mcp } = await start({ body: {} });
    await fetch(post(url), { method: 'PUT', headers: { 'x-only': 'this' }, body: 'other' });
    expect(mcp.requests[0]).toMatchObject({ method: 'PUT', body: 'other', headers: { 'x-only': 'this' } });
    expect(mcp.requests[0]?.headers['content-type']).not.toBe('application/json');
  });

  it('follows no redirect, also if the Request has redirect: follow', async () => {
    const { url, fetch, mcp } = await start({ status: 307, headers: { location: '/elsewhere' } });
    expect((await fetch(post(url, { redirect: 'follow' }))).status).toBe(307);
    expect(mcp.requests).toHaveLength(1);
  });

  it('throws cross_origin_refused for another origin than that of the server', async () => {
    const { fetch, as, mcp } = await start({ body: {} });
    const request = post('https://elsewhere.example/mcp');
    await expect(fetch(request)).rejects.toMatchObject({ code: 'cross_origin_refused' });
    expect({ bodyUsed: request.bodyUsed, tokens: as.requests.length, calls: mcp.requests.length }).toEqual({
      bodyUsed: false,
      tokens: 0,
      calls: 0,
    });
  });

  it.each(['user:hunter2@', 'user@', ':hunter2@'])(
    'goes to no URL with %s, and the error does not show it',
    async (part) => {
      const { url, fetch, as, mcp, bot, events } = await start({ body: {} });
      const target = url.replace('://', `://${part}`);
      for (const input of [target, new URL(target)]) {
        const error: unknown = await fetch(input).catch((thrown: unknown) => thrown);
        expect(error).toMatchObject({ code: 'forbidden_url', leg: 'call', contact: 'you' });
        expect(`${JSON.stringify(error)}${String(error)}`).not.toContain('hunter2');
      }
      expect(() => bot.fetchFor(target)).toThrow(expect.objectContaining({ code: 'unknown_server' }));
      expect(() => bot.fetchFor(target)).not.toThrow('hunter2');
      expect(JSON.stringify(events)).not.toContain('hunter2');
      expect({ events, tokens: as.requests.length, calls: mcp.requests.length }).toEqual({
        events: [target, new URL(target)].map(() =>
          expect.objectContaining({ type: 'call-failed', code: 'forbidden_url' }),
        ),
        tokens: 0,
        calls: 0,
      });
    },
  );

  it('ends when the signal of the Request aborts, also if its body is not complete yet', async () => {
    const { url, fetch, mcp } = await start({ body: {} });
    const controller = new AbortController();
    const cancelled: unknown[] = [];
    const body = new ReadableStream({
      pull: () => new Promise(() => {}),
      cancel: (reason) => void cancelled.push(reason),
    });
    const call = fetch(post(url, { body, duplex: 'half', signal: controller.signal }));
    const reason = new Error('aborted by the caller');
    controller.abort(reason);
    await expect(call).rejects.toBe(reason);
    await new Promise((resolve) => setImmediate(resolve));
    expect(cancelled).toEqual([reason]);
    await expect(fetch(post(url, { signal: controller.signal }))).rejects.toThrow('aborted by the caller');
    expect(mcp.requests).toHaveLength(0);
  });

  it('throws a TypeError if the body of the Request was already read, as the global fetch does', async () => {
    const { url, fetch, mcp } = await start({ body: {} });
    const request = post(url);
    await request.text();
    await expect(fetch(request)).rejects.toThrow(TypeError);
    expect(mcp.requests).toHaveLength(0);
  });

  it('is not sent if a Request with its cancellation comes while it waits for its token', async () => {
    const { url, fetch, as, mcp } = await start({ body: {} });
    let answer = () => {};
    as.route(
      'POST /token',
      () =>
        new Promise((resolve) => {
          answer = () => resolve({ body: { access_token: 'late', token_type: 'Bearer', expires_in: 300 } });
        }),
    );
    const call = fetch(post(url));
    const outcome = expect(call).rejects.toMatchObject({ code: 'cancelled' });
    while (as.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const notice = '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}';
    expect((await fetch(post(url, { body: notice }))).status).toBe(202);
    answer();
    await outcome;
    expect(mcp.requests).toHaveLength(0);
  });
});
