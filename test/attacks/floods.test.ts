import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { refusalOf } from '../support/evidence.ts';
import { stopTimeouts, whileTimePasses } from '../support/faked-time.ts';
import { say } from '../support/oauth-world.ts';
import { drip, endless, type PeerAnswer, silence } from '../support/peer.ts';
import { type AttackWorld, call, expectPlainError, startAttackWorld } from './support/attack-world.ts';

let world: AttackWorld;

beforeEach(async () => {
  world = await startAttackWorld();
});
afterEach(async () => {
  jest.useRealTimers();
  await world.close();
});

/** Sixteen megabytes of spaces, compressed to sixteen kilobytes. */
const BOMB = gzipSync(Buffer.alloc(16 * 1024 * 1024, ' '));
const quick = {
  timeout: { requestMs: 800, totalMs: 8_000 },
  retry: { retries: 0, minDelayMs: 1, maxDelayMs: 2 },
};
const patient = { retry: { retries: 1, minDelayMs: 1, maxDelayMs: 2 } };

type At = 'server metadata' | 'AS metadata' | 'IdP metadata' | 'authenticate' | 'exchange' | 'redeem';
const LEGS: readonly [
  At,
  { leg: 'discover' | 'authenticate' | 'exchange' | 'redeem'; contact: 'idp-admin' | 'server-owner' },
][] = [
  ['server metadata', { leg: 'discover', contact: 'server-owner' }],
  ['AS metadata', { leg: 'discover', contact: 'server-owner' }],
  ['IdP metadata', { leg: 'discover', contact: 'idp-admin' }],
  ['authenticate', { leg: 'authenticate', contact: 'idp-admin' }],
  ['exchange', { leg: 'exchange', contact: 'idp-admin' }],
  ['redeem', { leg: 'redeem', contact: 'server-owner' }],
];

function answerAt(at: At, answer: PeerAnswer): void {
  const { idp, as, mcp } = world;
  switch (at) {
    case 'server metadata':
      return mcp.route('GET /.well-known/oauth-protected-resource/mcp', answer);
    case 'AS metadata':
      return as.script.always('metadata', say(answer));
    case 'IdP metadata':
      return idp.script.always('metadata', say(answer));
    case 'authenticate':
    case 'exchange':
      return idp.script.always(at, say(answer));
    case 'redeem':
      return as.script.always('redeem', say(answer));
  }
}

function requestsAt(at: At): number {
  const { idp, as, mcp } = world;
  switch (at) {
    case 'server metadata':
      return mcp.received('GET /.well-known/oauth-protected-resource/mcp').length;
    case 'AS metadata':
      return as.script.count('metadata');
    case 'IdP metadata':
      return idp.script.count('metadata');
    case 'authenticate':
    case 'exchange':
      return idp.script.count(at);
    case 'redeem':
      return as.script.count('redeem');
  }
}

describe.each(LEGS)('at %s', (at, expected) => {
  it('an endless response is aborted within two seconds', async () => {
    const started = performance.now();
    answerAt(at, endless());
    const error = await refusalOf(call(world.bot()));
    expectPlainError(error, { code: 'response_too_large', ...expected }, world);
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  it('a small compressed response with a huge content is aborted', async () => {
    async function* once() {
      yield BOMB;
    }
    answerAt(at, { headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' }, body: once() });
    const error = await refusalOf(call(world.bot({ principal: { retry: { retries: 0 } } })));
    expectPlainError(error, { code: 'response_too_large', ...expected }, world);
  });

  it('a response that arrives byte by byte causes a timeout', async () => {
    stopTimeouts();
    answerAt(at, drip({ body: JSON.stringify({ access_token: 'x'.repeat(500) }), everyMs: 50 }));
    const refusal = refusalOf(call(world.bot({ principal: quick })));
    const error = await whileTimePasses(refusal, () => requestsAt(at) > 0);
    expectPlainError(error, { code: 'timeout', ...expected }, world);
  });

  it('a missing response causes a timeout', async () => {
    stopTimeouts();
    answerAt(at, silence());
    const refusal = refusalOf(call(world.bot({ principal: quick })));
    const error = await whileTimePasses(refusal, () => requestsAt(at) > 0);
    expectPlainError(error, { code: 'timeout', ...expected }, world);
    expect(error.remedy).toContain('timeout.requestMs');
  });

  it.each(['99999999', 'Fri, 31 Dec 9999 23:59:59 GMT'])(
    'a Retry-After of %s rejects the call at once, without a retry',
    async (retryAfter) => {
      answerAt(at, { status: 429, headers: { 'retry-after': retryAfter } });
      const error = await refusalOf(call(world.bot({ principal: patient })));
      expectPlainError(error, { code: 'rate_limited', ...expected }, world);
      expect(error.retryable).toBe(true);
      expect(error.retryAfterSeconds).toBeGreaterThan(90_000_000);
      expect(requestsAt(at)).toBe(1);
    },
  );

  it('an invalid Retry-After is ignored', async () => {
    answerAt(at, { status: 429, headers: { 'retry-after': '999999999999999999999' } });
    const error = await refusalOf(call(world.bot({ principal: patient })));
    expectPlainError(error, { code: 'rate_limited', ...expected }, world);
    expect(error).not.toHaveProperty('retryAfterSeconds');
    expect(requestsAt(at)).toBe(2);
  });

  it('a page of HTML instead of JSON is not accepted', async () => {
    answerAt(at, { headers: { 'content-type': 'text/html' }, body: '<h1>Sign in</h1> {"issuer":"x"}' });
    if (at === 'server metadata') {
      expect((await call(world.bot())).status).toBe(200);
      expect(world.events).toContainEqual(expect.objectContaining({ type: 'warning', leg: 'discover' }));
      return;
    }
    const error = await refusalOf(call(world.bot()));
    expect(error.code).toMatch(/^(?:invalid_response|metadata_not_found)$/u);
    expect(error.leg).toBe(expected.leg);
    expect(error.message).not.toContain('Sign in');
  });
});

describe('at the MCP server', () => {
  it.each([12_000, 100_000])(
    'a challenge of %d bytes causes an error of ordinary length and no exchange',
    async (size) => {
      const wanted = 'tools:admin '.repeat(size / 12);
      world.mcp.route('POST /mcp', {
        status: 403,
        headers: { 'www-authenticate': `Bearer error="insufficient_scope", scope="${wanted}"` },
      });
      const error = await refusalOf(call(world.bot({ server: { scopes: ['tools:read'], stepUp: ['tools:write'] } })));
      expect(error).toMatchObject({ leg: 'call', contact: 'server-owner' });
      expect(error.code).toMatch(/^(?:insufficient_scope|unreachable)$/u);
      expect(error.message).toMatch(/^[\x20-\x7e]{1,300}$/u);
      expect(world.idp.script.count('exchange')).toBe(1);
    },
  );

  it('an endless body of a 401 or a 403 is aborted', async () => {
    for (const status of [401, 403]) {
      world.mcp.route('POST /mcp', endless({ status }));
      const error = await refusalOf(call(world.bot()));
      expect(error).toMatchObject({ leg: 'call', contact: 'server-owner', status });
    }
    const written = world.mcp.bytesWritten();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(world.mcp.bytesWritten() - written).toBeLessThan(1024 * 1024);
  });

  it('a list of ten thousand authorization servers causes an error of ordinary length', async () => {
    world.mcp.route('GET /.well-known/oauth-protected-resource/mcp', {
      body: {
        resource: world.resource,
        authorization_servers: Array.from({ length: 10_000 }, (_, i) => `https://${i}.example`),
      },
    });
    const error = await refusalOf(call(world.bot({ server: { issuer: 'discover' } })));
    expectPlainError(error, { code: 'ambiguous_issuer', leg: 'discover', contact: 'you' }, world);
  });
});
