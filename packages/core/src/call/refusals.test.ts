import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { CannedAnswer, PeerRequest, PeerRoute } from '../../../../test/support/peer.ts';
import { drip, endless } from '../../../../test/support/peer.ts';
import { type CallWorld, startCallWorld, tokenOf } from '../../test-support/call-world.ts';
import { type CredenceError, isCredenceError } from '../errors/credence-error.ts';

const opened: CallWorld[] = [];
afterEach(async () => {
  for (const world of opened.splice(0)) await world.close();
});

async function start(answers: PeerRoute, ...more: [] | [Parameters<typeof startCallWorld>[1]]): Promise<CallWorld> {
  const world = await startCallWorld(answers, ...more);
  opened.push(world);
  return world;
}

async function refusal(call: Promise<unknown>): Promise<CredenceError> {
  const error: unknown = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!isCredenceError(error)) throw new Error(`not refused: ${String(error)}`);
  return error;
}

const challenged = (status: number, challenge: string, body: CannedAnswer['body'] = ''): CannedAnswer => ({
  status,
  headers: { 'www-authenticate': challenge },
  body,
});
const OK = { body: { jsonrpc: '2.0', id: 1, result: {} } };

describe('an MCP server that says why it refuses', () => {
  it.each<[string, CannedAnswer, string]>([
    [
      'a challenge',
      challenged(401, 'Bearer error="invalid_token", error_description="wrong audience"'),
      'wrong audience',
    ],
    [
      'an OAuth error',
      { status: 401, body: { error: 'invalid_token', error_description: 'wrong audience' } },
      'wrong audience',
    ],
    [
      'problem+json',
      {
        status: 401,
        headers: { 'content-type': 'application/problem+json' },
        body: '{"title":"No","detail":"wrong audience"}',
      },
      'No: wrong audience',
    ],
    [
      'a JSON-RPC error',
      { status: 401, body: { jsonrpc: '2.0', id: null, error: { code: -32001, message: 'wrong audience' } } },
      'wrong audience',
    ],
    [
      'a text',
      { status: 401, headers: { 'content-type': 'text/plain' }, body: 'wrong audience\r\n' },
      'wrong audience',
    ],
    [
      'a challenge that is malformed in part',
      challenged(401, 'Bearer realm="x, error=\'invalid_token\', error_description="wrong audience"'),
      'wrong audience',
    ],
  ])('by %s of a 401 has its words in the error and the events, and not in ours', async (_what, answer, words) => {
    const world = await start(answer);
    const error = await refusal(world.send());
    expect(error).toMatchObject({ code: 'token_refused', leg: 'call', status: 401, peerText: words });
    expect(inspect(error)).toContain(words);
    expect(error.toJSON().peerText).toBe(words);
    for (const ours of [error.message, error.remedy, error.summary]) expect(ours).not.toContain('audience');
    expect(world.emitted('call-failed')).toEqual([
      expect.objectContaining({ code: 'token_refused', status: 401, peerText: words, contact: 'server-owner' }),
    ]);
    // The refusal that is repeated without a request has the words too.
    const repeated = await refusal(world.send());
    expect(repeated.peerText).toBe(words);
  });

  it.each<[string, CannedAnswer, object]>([
    [
      'a challenge',
      challenged(403, 'Bearer error="invalid_request", error_description="no tools on Sundays"'),
      { error: 'invalid_request', errorDescription: 'no tools on Sundays', peerText: 'no tools on Sundays' },
    ],
    [
      'an OAuth error',
      { status: 403, body: { error: 'access_denied', error_description: 'no' } },
      { error: 'access_denied', peerText: 'no' },
    ],
    [
      'HTML',
      { status: 403, body: '<html><title>Blocked by the firewall</title></html>' },
      { peerText: 'Blocked by the firewall' },
    ],
  ])('by %s of a 403 has its words in the error', async (_what, answer, expected) => {
    const world = await start(answer);
    const error = await refusal(world.send());
    expect(error).toMatchObject({ code: 'forbidden', status: 403, ...expected });
    expect(world.emitted('call-failed')).toMatchObject([{ code: 'forbidden', peerText: error.peerText }]);
    expect(world.tokensIssued()).toBe(1);
  });

  it.each([401, 403])('with a malformed challenge of a %d is named as such', async (status) => {
    const world = await start(challenged(status, 'Bearer error="no, scope="a b"'));
    expect((await refusal(world.send())).remedy).toContain('WWW-Authenticate header cannot be read completely');
    const good = await start(challenged(status, 'Bearer realm="x"'));
    expect((await refusal(good.send())).remedy).not.toContain('WWW-Authenticate');
  });

  it('has no access token in its words', async () => {
    const world = await start((request) => ({
      status: 403,
      headers: { 'www-authenticate': `Bearer error="${tokenOf(request)}"` },
      body: { error_description: `${tokenOf(request)} is bad`, error: tokenOf(request) },
    }));
    const error = await refusal(world.send());
    expect(error.peerText).toBe('[redacted] is bad');
    expect(JSON.stringify([error, world.events])).not.toContain('token-1');
  });

  it('of a token that is replaced has an event with the words in its body, which were read within bounds', async () => {
    const body = { error: 'invalid_token', error_description: 'revoked by an administrator' };
    const world = await start((request) => (tokenOf(request) === 'token-1' ? { status: 401, body } : OK));
    expect((await world.send()).status).toBe(200);
    expect(world.emitted('rejected')).toMatchObject([{ peerText: 'revoked by an administrator', status: 401 }]);
    const flood = await start((request) =>
      tokenOf(request) === 'token-1' ? endless({ status: 401, chunk: 'no '.repeat(5_000) }) : OK,
    );
    expect((await flood.send()).status).toBe(200);
    expect(flood.emitted('rejected')[0]?.peerText).toHaveLength(300);
    expect(flood.mcp.bytesWritten()).toBeLessThan(16 * 1024 * 1024);
  });

  it.each([401, 403])(
    'with a body of a %d without an end, or that arrives slowly, is not read to its end',
    async (status) => {
      const flood = await start(endless({ status, chunk: 'no '.repeat(5_000) }));
      expect((await refusal(flood.send())).peerText).toHaveLength(300);
      expect(flood.mcp.bytesWritten()).toBeLessThan(16 * 1024 * 1024);
      const slow = await start(
        drip({ status, headers: { 'content-type': 'text/plain' }, body: 'no'.repeat(500), everyMs: 100 }),
      );
      expect((await refusal(slow.send())).peerText).toMatch(/^no/u);
    },
  );
});

describe('a 403 with the error invalid_token', () => {
  it.each<[string, CannedAnswer]>([
    ['in the challenge', challenged(403, 'Bearer error="invalid_token"')],
    ['in the body', { status: 403, body: { error: 'invalid_token', error_description: 'expired' } }],
  ])('%s replaces the token once', async (_where, answer) => {
    const world = await start((request) => (tokenOf(request) === 'token-1' ? answer : OK));
    expect((await world.send()).status).toBe(200);
    expect(world.emitted('rejected')).toHaveLength(1);
    expect(world.tokensIssued()).toBe(2);
    expect(world.emitted('call-failed')).toEqual([]);
  });

  it('for every token is token_refused with the status 403', async () => {
    const world = await start(challenged(403, 'Bearer error="invalid_token", error_description="wrong audience"'));
    expect(await refusal(world.send())).toMatchObject({
      code: 'token_refused',
      status: 403,
      message: expect.stringContaining('answers 403 to new tokens'),
      peerText: 'wrong audience',
    });
    expect(world.mcp.requests).toHaveLength(2);
    expect(world.tokensIssued()).toBe(2);
  });
});

describe('a 401 that is not about the token', () => {
  const unauthorized = challenged(401, 'Bearer error="invalid_token", error_description="no session"');
  const inSession = { 'mcp-session-id': 'a-session' };
  const post: RequestInit = { method: 'POST', body: '{"method":"tools/call"}' };

  it('to the GET of an event stream drops no token that the server accepts for POST', async () => {
    const world = await start(({ method }) => (method === 'GET' ? unauthorized : OK));
    for (let round = 0; round < 5; round += 1) {
      expect((await world.send({ ...post, headers: inSession })).status).toBe(200);
      const error = await refusal(world.send({ headers: { ...inSession, accept: 'text/event-stream' } }));
      expect(error).toMatchObject({ code: 'token_refused', peerText: 'no session' });
      expect(error.message).toContain('accepts the same token for other requests');
    }
    expect(world.tokensIssued()).toBe(1);
    expect(world.emitted('rejected')).toEqual([]);
    expect(world.emitted('warning')).toHaveLength(1);
    // The stream is optional, so this is no failed call.
    expect(world.emitted('call-failed')).toEqual([]);
  });

  it('to a GET causes a new token if the token was really revoked', async () => {
    const revoked = new Set<string>();
    const world = await start((request) => (revoked.has(tokenOf(request)) ? unauthorized : OK));
    await world.send({ ...post, headers: inSession });
    revoked.add('token-1');
    expect((await world.send({ headers: inSession })).status).toBe(200);
    expect(world.tokensIssued()).toBe(2);
  });

  it('to requests without a session costs one token, and no call with a session fails', async () => {
    const world = await start(({ headers }) => (headers['mcp-session-id'] === undefined ? unauthorized : OK));
    await world.send({ ...post, headers: inSession });
    for (let round = 0; round < 10; round += 1) {
      expect(await refusal(world.send(post))).toMatchObject({ code: 'token_refused', status: 401 });
      expect((await world.send({ ...post, headers: inSession })).status).toBe(200);
    }
    expect(world.tokensIssued()).toBe(2);
    expect(world.emitted('call-failed')).toHaveLength(10);
  });

  it('does not keep the bot from replacing a token that is revoked afterwards', async () => {
    const revoked = new Set<string>();
    const world = await start((request: PeerRequest) =>
      request.headers['mcp-session-id'] === undefined || revoked.has(tokenOf(request)) ? unauthorized : OK,
    );
    await world.send({ ...post, headers: inSession });
    for (let round = 1; round <= 5; round += 1) {
      await refusal(world.send(post));
      revoked.add(tokenOf(world.mcp.requests.at(-1) as PeerRequest));
      expect((await world.send({ ...post, headers: inSession })).status).toBe(200);
    }
  });

  it('to every request still costs two tokens in the first call and one more in the second', async () => {
    let accepts = true;
    const world = await start(() => (accepts ? OK : unauthorized));
    await world.send(post);
    accepts = false;
    for (let round = 0; round < 20; round += 1) await refusal(world.send(post));
    expect(world.tokensIssued()).toBeLessThanOrEqual(4);
  });

  it('works again at once after two revocations in a row', async () => {
    const revoked = new Set<string>(['token-2']);
    const world = await start((request) => (revoked.has(tokenOf(request)) ? unauthorized : OK));
    await world.send(post);
    revoked.add('token-1');
    await refusal(world.send(post));
    expect((await world.send(post)).status).toBe(200);
  });
});
