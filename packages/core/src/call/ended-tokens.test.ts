import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { CannedAnswer } from '../../../../test/support/peer.ts';
import { type CallWorld, startCallWorld } from '../../test-support/call-world.ts';

const LIFETIME_MS = 300_000;
const UNAUTHORIZED: CannedAnswer = { status: 401, headers: { 'www-authenticate': 'Bearer error="invalid_token"' } };
const OK: CannedAnswer = { body: { jsonrpc: '2.0', id: 1, result: {} } };

let world: CallWorld;
let elapsedMs: number;

beforeEach(async () => {
  elapsedMs = 0;
  const clock = { wallMs: () => Date.now() + elapsedMs, monotonicMs: () => performance.now() + elapsedMs };
  world = await startCallWorld(OK, {}, { clock });
});
afterEach(async () => world.close());

/** For this number of requests, the server needs longer than a token lives until it looks at the token. */
function beSlowFor(requests: number): void {
  let left = requests;
  world.mcp.route('*', () => {
    left -= 1;
    if (left < 0) return OK;
    elapsedMs += LIFETIME_MS + 1;
    return UNAUTHORIZED;
  });
}

const codeOf = async (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => 'answered',
    (error: { code?: unknown }) => error.code,
  );

describe('a call whose token ends before the server looks at it', () => {
  it.each([1, 2, 5])('is made again with a new token, also when that happens %d times', async (times) => {
    await world.send();
    beSlowFor(times);
    expect((await world.send()).status).toBe(200);
    expect(world.tokensIssued()).toBe(1 + times);
  });

  it('is made again although the server has accepted no token yet, and the next call does not have to wait', async () => {
    beSlowFor(3);
    expect((await world.send()).status).toBe(200);
    expect((await world.send()).status).toBe(200);
    expect(world.tokensIssued()).toBe(4);
  });

  it('is refused after twelve tokens', async () => {
    await world.send();
    beSlowFor(Infinity);
    expect(await codeOf(world.send())).toBe('token_refused');
    expect(world.tokensIssued()).toBe(12);
  });

  it('is refused if the server also refuses a token that is still valid', async () => {
    await world.send();
    let requests = 0;
    world.mcp.route('*', () => {
      requests += 1;
      if (requests <= 2) elapsedMs += LIFETIME_MS + 1;
      return UNAUTHORIZED;
    });
    expect(await codeOf(world.send())).toBe('token_refused');
    // Two tokens ended, and the server refused the next one and another one.
    expect(world.tokensIssued()).toBe(4);
  });

  it('of which the body can be sent only once is refused', async () => {
    await world.send();
    beSlowFor(1);
    const body = new Blob(['{}']).stream();
    expect(await codeOf(world.send({ method: 'POST', body, duplex: 'half' }))).toBe('token_refused');
    expect(world.mcp.requests).toHaveLength(2);
  });
});

it('a token without a lifetime does not end during a call: a server that refuses it gets two', async () => {
  world.as.route('POST /token', () => ({
    body: { access_token: crypto.randomUUID(), token_type: 'Bearer', expires_in: 0 },
  }));
  world.mcp.route('*', UNAUTHORIZED);
  expect(await codeOf(world.send())).toBe('token_refused');
  expect(world.tokensIssued()).toBe(2);
});
