import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { accessTokenVerifier } from './access-token-verifier.ts';
import type { AccessTokenInfo } from './auth-info.ts';
import { callerOf } from '../gate/caller.ts';
import type { IntrospectionOptions } from './introspection.ts';

const RESOURCE = 'https://mcp.example/mcp';
const ENDPOINT = 'https://as.example/introspect';
const SECRET = 'a-secret-of-the-resource-server';
const ACTIVE = { active: true, aud: RESOURCE, client_id: 'c', exp: 9e9 };

type Answer = () => Response | Promise<Response>;

const json = (body: unknown, status = 200) =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } });

function verifierOf(answer: Answer, options: Partial<IntrospectionOptions> = {}) {
  return accessTokenVerifier({
    issuer: 'https://as.example',
    resource: RESOURCE,
    introspection: { endpoint: ENDPOINT, clientId: 'rs', clientSecret: SECRET, ...options },
    fetch: async () => answer(),
  });
}

const verifierOfResponse = (more: Record<string, unknown>) => verifierOf(() => json({ ...ACTIVE, ...more }));

describe('an introspection response', () => {
  it.each<[string, Record<string, unknown>]>([
    ['without token_type', {}],
    ['with the token_type Bearer', { token_type: 'Bearer' }],
    ['with the token_type bearer', { token_type: 'bearer' }],
    ['with the token_type access_token', { token_type: 'access_token' }],
  ])('%s is accepted', async (_name, more) => {
    await expect(verifierOfResponse(more).checkAccessToken('t')).resolves.toMatchObject({ clientId: 'c' });
  });

  it.each<[string, Record<string, unknown>]>([
    ['wrong_token_type', { token_type: 'DPoP' }],
    ['wrong_token_type', { token_type: 'mac' }],
    ['wrong_token_type', { token_type: 'N_A' }],
    ['wrong_token_type', { token_type: 7 }],
    ['bound_to_key', { token_type: 'dpop', cnf: { jkt: 'x' } }],
    ['bound_to_key', { token_type: 'Bearer', cnf: { jkt: 'x' } }],
    ['bound_to_key', { token_type: 'access_token', cnf: { jkt: 'x' } }],
    ['bound_to_key', { cnf: null }],
    ['inactive', { active: false }],
    ['wrong_issuer', { iss: 'https://other.example' }],
    ['missing_claim', { aud: undefined }],
    ['missing_claim', { exp: undefined }],
    ['missing_claim', { client_id: undefined }],
  ])('is refused with %s: %j', async (code, more) => {
    await expect(verifierOfResponse(more).checkAccessToken('t')).resolves.toMatchObject({ code });
  });

  it.each<[string, string]>([
    ['an object that cannot be made a string', '{"toString":1,"valueOf":1}'],
    ['20000 nested lists', `${'['.repeat(20_000)}${']'.repeat(20_000)}`],
  ])('is refused with wrong_token_type if token_type is %s', async (_name, type) => {
    const answer = () => new Response(`{"active":true,"token_type":${type}}`);
    await expect(verifierOf(answer).checkAccessToken('t')).resolves.toMatchObject({ code: 'wrong_token_type' });
  });

  it("without sub yields a caller without a subject, even if an account has the client's name", async () => {
    const own = callerOf({ authInfo: await verifierOfResponse({}).checkAccessToken('t') });
    const account = callerOf({ authInfo: await verifierOfResponse({ sub: 'c' }).checkAccessToken('t') });
    expect({ subject: own.subject, clientId: own.clientId }).toEqual({ subject: undefined, clientId: 'c' });
    expect(account).toMatchObject({ subject: 'c', clientId: 'c' });
    own.subject satisfies string | undefined;
    // @ts-expect-error a handler must handle a token without a subject
    own.subject satisfies string;
  });
});

describe('introspection requests', () => {
  /** An authorization server that responds after `respond` is called. */
  function slow() {
    let requests = 0;
    let resolve = () => {};
    const promise = new Promise<void>((resolved) => {
      resolve = resolved;
    });
    const answer = async () => {
      requests += 1;
      await promise;
      return json(ACTIVE);
    };
    return { answer, requests: () => requests, respond: () => resolve() };
  }

  it('are sent once for 200 concurrent calls with the same token', async () => {
    const server = slow();
    const verifier = verifierOf(server.answer);
    const calls = Array.from({ length: 200 }, () => verifier.checkAccessToken('t'));
    server.respond();
    await expect(Promise.all(calls)).resolves.toHaveLength(200);
    expect(server.requests()).toBe(1);
    await verifier.checkAccessToken('t');
    expect(server.requests()).toBe(2);
  });

  it('run a hundred at once, and further ones wait', async () => {
    const server = slow();
    const verifier = verifierOf(server.answer);
    const calls = Array.from({ length: 101 }, (_, index) => verifier.checkAccessToken(`t${index}`));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(server.requests()).toBe(100);
    server.respond();
    await Promise.all(calls);
    expect(server.requests()).toBe(101);
  });

  describe('to a server that does not respond', () => {
    beforeEach(() => void jest.useFakeTimers());
    afterEach(() => void jest.useRealTimers());

    it('fail after five seconds, and so do those that wait to be sent', async () => {
      const verifier = verifierOf(() => new Promise(() => {}));
      const reasons = Array.from({ length: 101 }, (_, index) =>
        verifier.checkAccessToken(`t${index}`).then(
          () => 'accepted',
          (error: { reason: string }) => error.reason,
        ),
      );
      await jest.advanceTimersByTimeAsync(5000);
      expect([...new Set(await Promise.all(reasons))].toSorted()).toEqual([
        'introspection: 100 requests are under way',
        'introspection: no answer in time',
      ]);
    });
  });

  it('have at most ten thousand cached responses; the one that was used least recently is dropped', async () => {
    let requests = 0;
    const verifier = verifierOf(
      () => {
        requests += 1;
        return json(ACTIVE);
      },
      { cacheSeconds: 60 },
    );
    await verifier.checkAccessToken('first');
    for (let index = 1; index < 10_000; index += 1) await verifier.checkAccessToken(`t${index}`);
    await verifier.checkAccessToken('first');
    expect(requests).toBe(10_000);
    await verifier.checkAccessToken('one more');
    await verifier.checkAccessToken('first');
    expect(requests).toBe(10_001);
    await verifier.checkAccessToken('t1');
    expect(requests).toBe(10_002);
  });

  it('give each caller a copy of the claims, so that no change of one caller reaches another', async () => {
    const claims = { scope: 'read', groups: ['g'], act: { sub: 'x' }, tenants: { list: ['a'] } };
    const verifier = verifierOf(() => json({ ...ACTIVE, ...claims }), { cacheSeconds: 60 });
    const check = () => verifier.checkAccessToken('t') as Promise<AccessTokenInfo>;
    const expected = { scopes: ['read'], extra: { groups: ['g'], actor: { sub: 'x' }, claims } };
    const [one, concurrent] = await Promise.all([check(), check()]);
    one.scopes.push('write');
    (one.extra.groups as string[]).push('admin');
    Object.assign(one.extra.actor ?? {}, { sub: 'root' });
    (one.extra.claims['tenants'] as typeof claims.tenants).list.push('ALL');
    expect(concurrent).toMatchObject(expected);
    await expect(check()).resolves.toMatchObject(expected);
  });

  describe('to a discovered endpoint', () => {
    let now: number;
    let hits: string[];
    let metadata: () => Response;
    let introspection: (url: string) => Response | Promise<Response>;

    beforeEach(() => {
      now = 1_000_000;
      hits = [];
      metadata = () => json({ issuer: 'https://as.example', introspection_endpoint: ENDPOINT });
      introspection = () => json({ active: false });
    });
    /** A new verifier's function that checks a token. */
    const newCheck = () => {
      const verifier = accessTokenVerifier({
        issuer: 'https://as.example',
        resource: RESOURCE,
        introspection: { clientId: 'rs', clientSecret: SECRET },
        now: () => new Date(now),
        fetch: async (input) => {
          const url = input instanceof Request ? input.url : input.toString();
          hits.push(url.includes('well-known') ? 'metadata' : url);
          await new Promise((resolve) => setTimeout(resolve, 1));
          return url.includes('well-known') ? metadata() : introspection(url);
        },
      });
      return (token: string) => verifier.checkAccessToken(token);
    };
    const discoveries = () => hits.filter((hit) => hit === 'metadata').length;

    it('share one discovery', async () => {
      const check = newCheck();
      await Promise.all(Array.from({ length: 150 }, (_, index) => check(`t${index}`)));
      expect(hits).toHaveLength(151);
      expect(discoveries()).toBe(1);
    });

    it('are not sent for one second after a discovery that failed', async () => {
      metadata = () => new Response(null, { status: 404 });
      const check = newCheck();
      const fail = async () => {
        await expect(check('t')).rejects.toMatchObject({ reason: 'metadata: answered 404' });
      };
      await Promise.allSettled(Array.from({ length: 150 }, (_, index) => check(`t${index}`)));
      // RFC 8414 and OpenID Connect Discovery have one well-known URL each.
      const once = discoveries();
      expect(once).toBeLessThanOrEqual(3);
      now += 999;
      await fail();
      expect(discoveries()).toBe(once);
      now += 1;
      await fail();
      expect(discoveries()).toBe(2 * once);
      expect(hits.filter((hit) => hit !== 'metadata')).toEqual([]);
    });

    it.each<[string, () => Promise<Response>]>([
      ['responds with 404', async () => new Response(null, { status: 404 })],
      ['responds with 410', async () => new Response(null, { status: 410 })],
      [
        'cannot be reached',
        async () => Promise.reject(new TypeError('fetch failed', { cause: { code: 'ENOTFOUND' } })),
      ],
    ])('are sent to the new endpoint if the old one %s', async (_name, gone) => {
      const check = newCheck();
      await check('t');
      const moved = 'https://as.example/moved';
      metadata = () => json({ issuer: 'https://as.example', introspection_endpoint: moved });
      introspection = (url) => (url === moved ? json({ active: false }) : gone());
      now += 999;
      await expect(check('t')).rejects.toMatchObject({ name: 'TokenVerificationUnavailableError' });
      await expect(check('t')).rejects.toMatchObject({ name: 'TokenVerificationUnavailableError' });
      expect(discoveries()).toBe(1);
      now += 1;
      await expect(check('t')).rejects.toMatchObject({ name: 'TokenVerificationUnavailableError' });
      await expect(check('t')).resolves.toMatchObject({ code: 'inactive' });
      expect(discoveries()).toBe(2);
      expect(hits.at(-1)).toBe(moved);
    });

    it.each([400, 401, 429, 500, 503])('do not cause another discovery after a response with %d', async (status) => {
      const check = newCheck();
      introspection = () => new Response(null, { status });
      for (let attempt = 0; attempt < 3; attempt += 1) {
        await expect(check('t')).rejects.toMatchObject({ reason: `introspection: answered ${status}` });
        now += 5000;
      }
      expect(discoveries()).toBe(1);
    });
  });

  it.each<[string, RegExp | undefined, Answer]>([
    ['introspection: answered 401 invalid_client', /clientSecret/u, () => json({ error: 'invalid_client' }, 401)],
    ['introspection: answered 400 invalid_client', /clientSecret/u, () => json({ error: 'invalid_client' }, 400)],
    [
      'introspection: answered 401',
      /clientSecret/u,
      () => new Response(null, { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } }),
    ],
    ['introspection: answered 403', /clientSecret/u, () => new Response(null, { status: 403 })],
    ['introspection: answered 404', /endpoint/u, () => new Response('<html>', { status: 404 })],
    ['introspection: answered 302', /endpoint/u, () => Response.redirect('https://as.example/login', 302)],
    ['introspection: answered 400 [redacted]', /endpoint/u, () => json({ error: SECRET }, 400)],
    ['introspection: the response does not conform to RFC 7662', /endpoint/u, () => new Response('<html>login</html>')],
    ['introspection: the response does not conform to RFC 7662', /endpoint/u, () => json({ ok: true })],
    ['introspection: answered 503', undefined, () => new Response(null, { status: 503 })],
    ['introspection: answered 429', undefined, () => new Response(null, { status: 429 })],
    [
      'introspection: ECONNREFUSED',
      undefined,
      () => Promise.reject(new TypeError('fetch failed', { cause: { code: 'ECONNREFUSED' } })),
    ],
  ])('that fail are reported with the reason and the remedy: %s', async (reason, remedy, answer) => {
    const failure: unknown = await verifierOf(answer)
      .checkAccessToken('a-token-value')
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({
      name: 'TokenVerificationUnavailableError',
      message: `the access token cannot be verified: ${reason}`,
      reason,
      remedy: remedy === undefined ? undefined : expect.stringMatching(remedy),
    });
    expect(`${JSON.stringify(failure)}${String((failure as Error).cause)}`).not.toMatch(/a-token|a-secret/u);
  });

  it.each<[RegExp, Answer]>([
    [/^metadata: .*404/u, () => new Response(null, { status: 404 })],
    [/^metadata: .*issuer/u, () => json({ issuer: 'https://as.example/', introspection_endpoint: ENDPOINT })],
    [/^metadata: .*introspection_endpoint/u, () => json({ issuer: 'https://as.example' })],
    [/^metadata: (?!.*html)/u, () => new Response('<html>login</html>')],
  ])('without a known endpoint fail with the reason: %s', async (reason, answer) => {
    await expect(verifierOf(answer, { endpoint: undefined }).checkAccessToken('t')).rejects.toMatchObject({
      reason: expect.stringMatching(reason),
      remedy: expect.stringContaining('introspection.endpoint'),
    });
  });
});
