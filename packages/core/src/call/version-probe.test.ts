import { afterEach, describe, expect, it } from '@jest/globals';
import type { CannedAnswer, PeerAnswer, PeerRequest, PeerRoute } from '../../../../test/support/peer.ts';
import { type CallWorld, startCallWorld, tokenOf } from '../../test-support/call-world.ts';

const opened: CallWorld[] = [];
afterEach(async () => {
  for (const world of opened.splice(0)) await world.close();
});

async function start(answers: PeerRoute, ...more: [] | [Parameters<typeof startCallWorld>[1]]): Promise<CallWorld> {
  const world = await startCallWorld(answers, ...more);
  opened.push(world);
  return world;
}

const PROBE: RequestInit = {
  method: 'POST',
  headers: { 'content-type': 'application/json', 'mcp-method': 'server/discover' },
  body: JSON.stringify({ jsonrpc: '2.0', id: 'probe-7', method: 'server/discover', params: {} }),
};
const REFUSED: CannedAnswer = { status: 401, headers: { 'www-authenticate': 'Bearer error="invalid_token"' } };
const opens = ({ body }: PeerRequest) => body.includes('"initialize"');
const OPENED: CannedAnswer = { headers: { 'mcp-session-id': 's1' }, body: { jsonrpc: '2.0', id: 1, result: {} } };

/** A server that refuses every request without a session, and every token that is not among `tokens`. */
function refusesWithoutSession(refused: PeerAnswer, tokens?: readonly string[]) {
  return (request: PeerRequest): PeerAnswer => {
    if (tokens && !tokens.includes(tokenOf(request))) return refused;
    if (opens(request)) return OPENED;
    return request.headers['mcp-session-id'] === undefined ? refused : { status: 200 };
  };
}

function sent({ mcp }: CallWorld): readonly string[] {
  return mcp.requests.map(({ method, body }) =>
    method === 'POST' ? String(JSON.parse(body || '{}').method ?? 'other') : method,
  );
}

describe('the question for the revisions of a server that refuses every request without a session', () => {
  it.each<[string, CannedAnswer]>([
    ['401 invalid_token', REFUSED],
    ['401 without a challenge', { status: 401, body: '{}' }],
    ['401 with a JSON-RPC error', { status: 401, body: { jsonrpc: '2.0', id: null, error: { code: -32_000 } } }],
    ['401 with a challenge without an error', { status: 401, headers: { 'www-authenticate': 'Bearer realm="x"' } }],
    ['403 invalid_token', { ...REFUSED, status: 403 }],
  ])('by %s costs no token, and is answered as by a server without this method', async (_what, refused) => {
    const world = await start(refusesWithoutSession(refused));
    const response = await world.send(PROBE);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ jsonrpc: '2.0', id: 'probe-7', error: { code: -32_601 } });
    expect(world.tokensIssued()).toBe(1);
    expect(sent(world)).toEqual(['server/discover', 'initialize', 'DELETE']);
    expect(world.mcp.received('DELETE /mcp')[0]?.headers['mcp-session-id']).toBe('s1');
    expect(world.emitted('call-failed')).toEqual([]);
  });

  it('is not checked again within a minute', async () => {
    const world = await start(refusesWithoutSession(REFUSED));
    for (const _ of [1, 2, 3]) expect((await world.send(PROBE)).status).toBe(404);
    expect(sent(world).filter((method) => method === 'initialize')).toHaveLength(1);
    expect(world.tokensIssued()).toBe(1);
  });

  it('says nothing about other requests: a refused token is still replaced', async () => {
    const valid = ['token-1'];
    const world = await start(refusesWithoutSession(REFUSED, valid));
    expect((await world.send(PROBE)).status).toBe(404);
    valid[0] = 'token-2';
    const response = await world.send({ method: 'POST', headers: { 'mcp-session-id': 's1' }, body: '{}' });
    expect(response.status).toBe(200);
    expect(world.tokensIssued()).toBe(2);
  });

  it('replaces a token that the server refuses for initialize too', async () => {
    const world = await start(refusesWithoutSession(REFUSED, ['token-2']));
    expect((await world.send(PROBE)).status).toBe(404);
    expect(sent(world)).toEqual(['server/discover', 'initialize', 'server/discover', 'initialize', 'DELETE']);
    expect(world.tokensIssued()).toBe(2);
  });
});

describe('the question for the revisions of a server', () => {
  it('that knows it and refused the token is sent again with a new one', async () => {
    const world = await start((request) => (tokenOf(request) === 'token-2' ? { body: { ok: true } } : REFUSED));
    expect(await (await world.send(PROBE)).json()).toEqual({ ok: true });
    expect(world.tokensIssued()).toBe(2);
  });

  it('that refuses every token is refused', async () => {
    const world = await start(REFUSED);
    await expect(world.send(PROBE)).rejects.toMatchObject({ code: 'token_refused', contact: 'server-owner' });
    expect(world.tokensIssued()).toBe(2);
    expect(sent(world)).toEqual(['server/discover', 'initialize', 'server/discover', 'initialize']);
  });

  it.each<[string, PeerAnswer]>([
    ['fails', { status: 500 }],
    ['is refused by its revision', { status: 400, body: { jsonrpc: '2.0', id: 1, error: { code: -32_022 } } }],
    ['breaks off', { onWire: ({ response }) => void response.destroy() }],
  ])('is refused if initialize %s', async (_what, answer) => {
    const world = await start((request) => (opens(request) ? answer : REFUSED));
    await expect(world.send(PROBE)).rejects.toMatchObject({ code: 'token_refused' });
    expect(world.tokensIssued()).toBe(2);
  });
});
