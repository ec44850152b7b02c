import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { accessTokenVerifier } from './access-token-verifier.ts';
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

const saying = (more: Record<string, unknown>) => verifierOf(() => json({ ...ACTIVE, ...more }));

describe('what the authorization server says of a token', () => {
  it.each<[string, Record<string, unknown>]>([
    ['nothing of the type', {}],
    ['Bearer', { token_type: 'Bearer' }],
    ['bearer', { token_type: 'bearer' }],
    ['access_token', { token_type: 'access_token' }],
  ])('lets it in with %s', async (_name, more) => {
    await expect(saying(more).checkAccessToken('t')).resolves.toMatchObject({ clientId: 'c' });
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
  ])('refuses it for %s: %j', async (code, more) => {
    await expect(saying(more).checkAccessToken('t')).resolves.toMatchObject({ code });
  });

  it("keeps a client's own token apart from that of an account with the same name", async () => {
    const own = callerOf({ authInfo: await saying({}).checkAccessToken('t') });
    const account = callerOf({ authInfo: await saying({ sub: 'c' }).checkAccessToken('t') });
    expect({ subject: own.subject, clientId: own.clientId }).toEqual({ subject: undefined, clientId: 'c' });
    expect(account).toMatchObject({ subject: 'c', clientId: 'c' });
    own.subject satisfies string | undefined;
    // @ts-expect-error a handler has to say what it does where there is no account
    own.subject satisfies string;
  });
});

describe('asking', () => {
  /** An authorization server that answers when it is told to. */
  function slow() {
    let asked = 0;
    let resolve = () => {};
    const promise = new Promise<void>((resolved) => {
      resolve = resolved;
    });
    const answer = async () => {
      asked += 1;
      await promise;
      return json(ACTIVE);
    };
    return { answer, asked: () => asked, go: () => resolve() };
  }

  it('happens once for any number of calls with one token', async () => {
    const server = slow();
    const verifier = verifierOf(server.answer);
    const calls = Array.from({ length: 200 }, () => verifier.checkAccessToken('t'));
    server.go();
    await expect(Promise.all(calls)).resolves.toHaveLength(200);
    expect(server.asked()).toBe(1);
    await verifier.checkAccessToken('t');
    expect(server.asked()).toBe(2);
  });

  it('happens a hundred times at once, and who comes then waits for its turn', async () => {
    const server = slow();
    const verifier = verifierOf(server.answer);
    const calls = Array.from({ length: 101 }, (_, index) => verifier.checkAccessToken(`t${index}`));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(server.asked()).toBe(100);
    server.go();
    await Promise.all(calls);
    expect(server.asked()).toBe(101);
  });

  describe('of a server that hangs', () => {
    beforeEach(() => void jest.useFakeTimers());
    afterEach(() => void jest.useRealTimers());

    it('is given up after five seconds, by those who wait for their turn too', async () => {
      const verifier = verifierOf(() => new Promise(() => {}));
      const reasons = Array.from({ length: 101 }, (_, index) =>
        verifier.checkAccessToken(`t${index}`).then(
          () => 'let in',
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

  it('keeps ten thousand answers at most, and drops the one that was used least recently', async () => {
    let asked = 0;
    const verifier = verifierOf(
      () => {
        asked += 1;
        return json(ACTIVE);
      },
      { cacheSeconds: 60 },
    );
    await verifier.checkAccessToken('first');
    for (let index = 1; index < 10_000; index += 1) await verifier.checkAccessToken(`t${index}`);
    await verifier.checkAccessToken('first');
    expect(asked).toBe(10_000);
    await verifier.checkAccessToken('one more');
    await verifier.checkAccessToken('first');
    expect(asked).toBe(10_001);
    await verifier.checkAccessToken('t1');
    expect(asked).toBe(10_002);
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
    ['introspection: the answer is not one of RFC 7662', /endpoint/u, () => new Response('<html>login</html>')],
    ['introspection: the answer is not one of RFC 7662', /endpoint/u, () => json({ ok: true })],
    ['introspection: answered 503', undefined, () => new Response(null, { status: 503 })],
    ['introspection: answered 429', undefined, () => new Response(null, { status: 429 })],
    [
      'introspection: ECONNREFUSED',
      undefined,
      () => Promise.reject(new TypeError('fetch failed', { cause: { code: 'ECONNREFUSED' } })),
    ],
  ])('that fails says how: %s', async (reason, remedy, answer) => {
    const failure: unknown = await verifierOf(answer)
      .checkAccessToken('a-token-of-somebody')
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
  ])('nowhere says why: %s', async (reason, answer) => {
    await expect(verifierOf(answer, { endpoint: undefined }).checkAccessToken('t')).rejects.toMatchObject({
      reason: expect.stringMatching(reason),
      remedy: expect.stringContaining('introspection.endpoint'),
    });
  });
});
