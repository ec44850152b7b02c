import {
  TOKEN_TYPE_ACCESS_TOKEN,
  TOKEN_TYPE_ID_TOKEN,
  TOKEN_TYPE_JWT,
  TOKEN_TYPE_REFRESH_TOKEN,
} from '@credence/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeJwt, exportJWK, generateKeyPair, type JWK, SignJWT, UnsecuredJWT } from 'jose';
import * as oauth from 'oauth4webapi';
import type { Answer } from '../../../../../test/support/roles/bot.ts';
import { type Loopback, loopback } from '../../../../../test/support/roles/loopback.ts';
import { startUsersWorld, type UsersWorld } from '../../../../../test/support/roles/users-world.ts';
import type { IdJagRequest } from '../policy.ts';
import { checkWorkloadPlatforms, matchingRule, type WorkloadPlatform } from './workload-platform.ts';

const SPIFFE = 'https://spire.acme.example';
const SUBJECT = 'repo:acme/reports:ref:refs/heads/main';
type KeyPair = Awaited<ReturnType<typeof generateKeyPair>>;

let platform: Loopback;
let platformKey: KeyPair;
let spiffeKey: KeyPair;
let world: UsersWorld;
let policyRequests: IdJagRequest[];

async function publicJwk(pair: KeyPair, kid: string): Promise<JWK> {
  return { ...(await exportJWK(pair.publicKey)), kid, alg: 'ES256', use: 'sig' };
}

beforeAll(async () => {
  platform = await loopback();
  [platformKey, spiffeKey] = await Promise.all([generateKeyPair('ES256'), generateKeyPair('ES256')]);
  world = await startUsersWorld({
    subject: (clientId) => `principal-${clientId}`,
    workloadPlatforms: {
      [platform.origin]: {
        workloads: [
          { clientId: 'bot', claims: { sub: SUBJECT, repository_id: ['42', '43'], enterprise: (id) => id === 'acme' } },
          { clientId: 'other', claims: { sub: 'repo:acme/other:ref:refs/heads/main' } },
        ],
      },
      [SPIFFE]: {
        jwks: { keys: [await publicJwk(spiffeKey, 'svid')] },
        algorithms: ['ES256'],
        audience: 'credence',
        maxLifetimeSeconds: 600,
        workloads: [{ clientId: 'bot', claims: { sub: 'spiffe://acme.example/reports' } }],
      },
    },
  });
  await servePlatform();
});
afterAll(async () => {
  await Promise.all([world.close(), platform.close()]);
});
beforeEach(() => {
  policyRequests = [];
  world.issued.length = 0;
  world.policy = (request) => {
    policyRequests.push(request);
    return { granted: true, clientId: `${request.clientId}-at-as`, scopes: ['read'] };
  };
});

async function servePlatform(): Promise<void> {
  const jwks = { keys: [await publicJwk(platformKey, 'platform-1')] };
  platform.serve((request, response) => {
    const metadata = { issuer: platform.origin, jwks_uri: `${platform.origin}/keys` };
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(request.url === '/keys' ? jwks : metadata));
  });
}

const now = () => Math.floor(Date.now() / 1000);

function sign(
  claims: Record<string, unknown> = {},
  header: { alg?: string; typ?: string; kid?: string } = {},
  key: Parameters<SignJWT['sign']>[0] = platformKey.privateKey,
): Promise<string> {
  const good = {
    iss: platform.origin,
    sub: SUBJECT,
    aud: world.issuer,
    repository_id: '42',
    enterprise: 'acme',
    iat: now(),
    exp: now() + 300,
  };
  const payload = JSON.parse(JSON.stringify({ ...good, ...claims })) as Record<string, unknown>;
  return new SignJWT(payload).setProtectedHeader({ alg: 'ES256', typ: 'JWT', kid: 'platform-1', ...header }).sign(key);
}

const svid = (claims: Record<string, unknown> = {}): Promise<string> =>
  sign(
    { iss: SPIFFE, sub: 'spiffe://acme.example/reports', aud: ['credence'], iat: undefined, ...claims },
    { typ: 'JOSE', kid: 'svid' },
    spiffeKey.privateKey,
  );

const exchange = (token: string, clientId = 'bot', dpop?: oauth.DPoPHandle): Promise<Answer> =>
  world.exchange(clientId, { subject_token: token, subject_token_type: TOKEN_TYPE_JWT }, dpop);

function expectRefused(answer: Answer, reason: string, error = 'invalid_grant'): void {
  expect(answer).toMatchObject({ status: error === 'invalid_grant' ? 400 : 503, body: { error } });
  expect(policyRequests).toEqual([]);
  expect(world.issued).toEqual([
    expect.objectContaining({ status: 'subject_token_refused', error, reason: expect.stringContaining(reason) }),
  ]);
}

describe('a workload JWT as subject token', () => {
  it('identifies the principal of the matching rule, and the audit record names the workload', async () => {
    const token = await sign();
    const { status, body } = await exchange(token);
    expect(status).toBe(200);
    expect(decodeJwt(String(body['access_token'])).sub).toBe('principal-bot');
    const workload = { issuer: platform.origin, subject: SUBJECT };
    expect(policyRequests[0]).toMatchObject({
      subject: 'principal-bot',
      subjectKind: 'principal',
      subjectTokenType: TOKEN_TYPE_JWT,
      claims: { repository_id: '42' },
      workload,
    });
    expect(world.issued).toEqual([expect.objectContaining({ granted: true, subject: 'principal-bot', workload })]);
    expect(JSON.stringify(world.issued)).not.toContain(token.split('.')[2]);
  });

  it('is accepted without iat and with the configured audience of its platform, as SPIFFE issues it', async () => {
    expect((await exchange(await svid())).status).toBe(200);
    expect(policyRequests[0]).toMatchObject({ subject: 'principal-bot', workload: { issuer: SPIFFE } });
  });

  it('makes the provider fetch the key set of the platform only once', async () => {
    await exchange(await sign());
    await exchange(await sign());
    expect(platform.hits.get('/keys')).toBe(1);
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['that has expired', { iat: now() - 600, exp: now() - 60 }, 'has expired'],
    ['without exp', { exp: undefined }, 'exp is invalid'],
    ['that is not valid yet', { nbf: now() + 60 }, 'nbf is invalid'],
    ['with iat in the future', { iat: now() + 60 }, 'issued in the future'],
    ['with a lifetime of two days', { exp: now() + 2 * 86_400 }, 'longer lifetime'],
    ['with another aud', { aud: 'https://sts.other.example' }, 'aud is invalid'],
    ['without aud', { aud: undefined }, 'aud is invalid'],
    ['with a second audience', { aud: ['SELF', 'https://sts.other.example'] }, 'another audience'],
    [
      'of a platform that is not registered',
      { iss: 'https://evil.example' },
      'https://evil.example is not a registered platform',
    ],
    ['with this provider as issuer', { iss: 'SELF' }, 'is not a registered platform'],
    ['without an issuer', { iss: undefined }, 'not a registered platform'],
    ['with the issuer of another registered platform', { iss: SPIFFE }, 'does not publish the signing key'],
    ['whose issuer is the name of a JavaScript object property', { iss: '__proto__' }, 'not a registered platform'],
    ['with the name of the principal as sub', { sub: 'principal-bot' }, 'no rule in workloads'],
    ['with the client id as sub', { sub: 'bot' }, 'no rule in workloads'],
    ['without sub', { sub: undefined }, 'no rule in workloads'],
    ['whose sub is a list with the right one', { sub: [SUBJECT] }, ''],
    [
      "with the sub of another client's workload",
      { sub: 'repo:acme/other:ref:refs/heads/main' },
      'no rule in workloads',
    ],
    [
      'with the sub of a workload on another platform',
      { sub: 'spiffe://acme.example/reports' },
      'no rule in workloads',
    ],
    ['with a claim value that the rule does not list', { repository_id: '44' }, 'no rule in workloads'],
    ['with a claim value of another type', { repository_id: 42 }, 'no rule in workloads'],
    ['without a claim that a function of the rule checks', { enterprise: undefined }, 'no rule in workloads'],
    ['bound to a key without a DPoP proof', { cnf: { jkt: 'x'.repeat(43) } }, 'not proven'],
    ['bound to a certificate', { cnf: { 'x5t#S256': 'x' } }, 'not supported'],
    ['with an invalid cnf claim', { cnf: 'x' }, 'not supported'],
  ])('%s is refused', async (_name, claims, reason) => {
    const own = (value: unknown): unknown =>
      Array.isArray(value) ? value.map(own) : value === 'SELF' ? world.issuer : value;
    const token = await sign(Object.fromEntries(Object.entries(claims).map(([name, value]) => [name, own(value)])));
    expectRefused(await exchange(token), reason);
  });

  it('without iat is refused if it expires later than its lifetime limit from now', async () => {
    expectRefused(await exchange(await svid({ exp: now() + 700 })), 'longer lifetime');
  });

  it.each(['at+jwt', 'oauth-id-jag+jwt', 'application/oauth-id-jag+jwt', 'logout+jwt', 'dpop+jwt', ''])(
    'of the type %s is refused',
    async (typ) => {
      expectRefused(await exchange(await sign({}, { typ })), 'another kind of JWT');
    },
  );

  it('signed by another key, under a known or an unknown kid, is refused', async () => {
    const { privateKey } = await generateKeyPair('ES256');
    expectRefused(await exchange(await sign({}, {}, privateKey)), 'signature is not valid');
    world.issued.length = 0;
    expectRefused(await exchange(await sign({}, { kid: 'mine' }, privateKey)), 'does not publish the signing key');
  });

  it.each<[string, unknown]>([
    ['a number', 7],
    ['a list with the kid of the key', ['platform-1']],
    ['an object that cannot be made a string', { toString: 1, valueOf: 1 }],
  ])('with a kid that is %s is refused', async (_name, kid) => {
    const [, payload = '', signature = ''] = (await sign()).split('.');
    const header = Buffer.from(JSON.stringify({ alg: 'ES256', typ: 'JWT', kid })).toString('base64url');
    expectRefused(await exchange(`${header}.${payload}.${signature}`), 'kid is not a string');
  });

  it('without a signature is refused', async () => {
    const token = new UnsecuredJWT({ sub: SUBJECT }).setIssuer(platform.origin).setAudience(world.issuer).encode();
    expectRefused(await exchange(token), '');
  });

  it("signed with the platform's public key as a secret is refused", async () => {
    const secret = new TextEncoder().encode(JSON.stringify(await publicJwk(platformKey, 'platform-1')));
    expectRefused(await exchange(await sign({}, { alg: 'HS256' }, secret)), 'algorithm is not allowed');
  });

  it('signed with an algorithm that its platform does not use is refused', async () => {
    const { privateKey } = await generateKeyPair('ES384');
    const token = await sign({ iss: SPIFFE }, { alg: 'ES384', kid: 'svid' }, privateKey);
    expectRefused(await exchange(token), 'algorithm is not allowed');
  });

  it('that was altered is refused', async () => {
    const [header = '', , signature = ''] = (await sign()).split('.');
    const [, payload = ''] = (await sign({ repository_id: '43' })).split('.');
    expectRefused(await exchange(`${header}.${payload}.${signature}`), 'signature is not valid');
  });

  it.each([
    ['larger than the limit', `eyJhbGciOiJFUzI1NiJ9.${'x'.repeat(17_000)}.x`, 'larger than'],
    ['not a JWT', 'nonsense', 'not a signed JWT'],
    ['three parts that are not JSON', 'a.b.c', 'not a signed JWT'],
  ])('that is %s is refused', async (_name, token, reason) => {
    expectRefused(await exchange(token), reason);
  });

  it('with a critical extension is refused', async () => {
    const token = await new SignJWT({ sub: SUBJECT })
      .setProtectedHeader({ alg: 'ES256', typ: 'JWT', kid: 'platform-1', crit: ['x'], x: 1 })
      .setIssuer(platform.origin)
      .sign(platformKey.privateKey, { crit: { x: true } });
    expectRefused(await exchange(token), 'critical extension');
  });

  it('of another client is refused', async () => {
    expectRefused(await exchange(await sign(), 'other'), 'no rule in workloads');
    world.issued.length = 0;
    expect((await exchange(await sign({ sub: 'repo:acme/other:ref:refs/heads/main' }), 'other')).status).toBe(200);
  });

  it('that is bound to a key needs a DPoP proof of the key, and binds the ID-JAG', async () => {
    const dpop = oauth.DPoP({}, await oauth.generateKeyPair('ES256'));
    const jkt = await dpop.calculateThumbprint();
    const { body } = await exchange(await sign({ cnf: { jkt } }), 'bot', dpop);
    expect(decodeJwt(String(body['access_token']))).toMatchObject({ cnf: { jkt } });
  });

  it('is refused with another subject_token_type', async () => {
    for (const type of [TOKEN_TYPE_ID_TOKEN, TOKEN_TYPE_ACCESS_TOKEN, TOKEN_TYPE_REFRESH_TOKEN]) {
      world.issued.length = 0;
      expectRefused(await world.exchange('bot', { subject_token: await sign(), subject_token_type: type }), '');
    }
  });

  it('cannot be an ID-JAG or an ID token of this provider', async () => {
    const { body } = await exchange(await sign());
    const { id_token: idToken = '' } = await world.clientCredentials('bot');
    policyRequests.length = 0;
    for (const token of [String(body['access_token']), idToken]) {
      world.issued.length = 0;
      expectRefused(await exchange(token), '');
    }
  });

  it('of a platform that is down gets temporarily_unavailable, and is accepted when the platform is back', async () => {
    const ciPlatform = await loopback();
    const clock = { now: new Date() };
    const users = await startUsersWorld({
      workloadPlatforms: { [ciPlatform.origin]: { workloads: [{ clientId: 'bot', claims: { sub: SUBJECT } }] } },
      now: () => clock.now,
    });
    try {
      const token = () => sign({ iss: ciPlatform.origin, aud: users.issuer });
      const attempt = async () =>
        users.exchange('bot', { subject_token: await token(), subject_token_type: TOKEN_TYPE_JWT });
      expect(await attempt()).toMatchObject({ status: 503, body: { error: 'temporarily_unavailable' } });
      expect(users.issued.at(-1)).toMatchObject({
        granted: false,
        status: 'keys_unavailable',
        reason: `the keys of ${ciPlatform.origin} cannot be fetched: metadata: answered 503`,
      });
      const jwks = { keys: [await publicJwk(platformKey, 'platform-1')] };
      ciPlatform.serve((request, response) => {
        const metadata = { issuer: ciPlatform.origin, jwks_uri: `${ciPlatform.origin}/keys` };
        response.end(JSON.stringify(request.url === '/keys' ? jwks : metadata));
      });
      clock.now = new Date(clock.now.getTime() + 2000);
      expect((await attempt()).status).toBe(200);
    } finally {
      await Promise.all([users.close(), ciPlatform.close()]);
    }
  });
});

describe('a public client with a workload JWT', () => {
  const platforms = async () => ({
    'https://ci.example': {
      jwks: { keys: [await publicJwk(platformKey, 'platform-1')] },
      workloads: [{ clientId: 'public', claims: { sub: SUBJECT } }],
    },
  });

  it.each([true, false])('gets an ID-JAG only if allowPublicClients is true: %s', async (allowPublicClients) => {
    const users = await startUsersWorld({ workloadPlatforms: await platforms(), allowPublicClients });
    try {
      const attempt = async (sub: string) =>
        users.exchange('public', {
          subject_token: await sign({ iss: 'https://ci.example', aud: users.issuer, sub }),
          subject_token_type: TOKEN_TYPE_JWT,
        });
      expect((await attempt(SUBJECT)).body).toMatchObject(
        allowPublicClients ? { scope: 'read' } : { error: 'unauthorized_client' },
      );
      expect(users.issued.at(-1)).toMatchObject({ status: allowPublicClients ? 'granted' : 'client_not_allowed' });
      expect((await attempt('another')).status).toBe(400);
    } finally {
      await users.close();
    }
  });
});

describe('matchingRule', () => {
  it('checks only the claims of the token, not inherited properties of the claims object', () => {
    const rules = [{ clientId: 'bot', claims: { toString: (value: unknown) => value !== undefined } }];
    expect(matchingRule(rules, { sub: 'x' })).toBeUndefined();
    expect(matchingRule(rules, { toString: 'x' })).toBe(rules[0]);
  });
});

describe('checkWorkloadPlatforms', () => {
  const rule = { clientId: 'bot', claims: { sub: 'x' } };
  const withMembers = (members: object): WorkloadPlatform => ({ workloads: [rule], ...members });

  it.each<[string, Record<string, WorkloadPlatform>, string]>([
    ['this provider as a platform', { 'https://idp.example': { workloads: [rule] } }, 'of itself'],
    [
      'a rule without conditions',
      { 'https://p.example': { workloads: [{ clientId: 'bot', claims: {} }] } },
      'everybody',
    ],
    ['no rules', { 'https://p.example': { workloads: [] } }, 'workloads'],
    ['plain http', { 'http://p.example': { workloads: [rule] } }, 'neither https nor on loopback'],
    ['algorithms as a string', { 'https://p.example': withMembers({ algorithms: 'ES256' }) }, 'algorithms'],
    ['an empty list of algorithms', { 'https://p.example': withMembers({ algorithms: [] }) }, 'algorithms'],
    ['an invalid key set', { 'https://p.example': withMembers({ jwks: [] }) }, 'not a key set'],
    [
      'a key set on plain http',
      { 'https://p.example': withMembers({ jwksUri: 'http://p.example/keys' }) },
      'on loopback',
    ],
    ['a misspelt member', { 'https://p.example': withMembers({ jwks_uri: 'https://p.example/keys' }) }, 'jwks_uri'],
    ['a lifetime of zero', { 'https://p.example': { workloads: [rule], maxLifetimeSeconds: 0 } }, 'maxLifetime'],
  ])('refuses %s', (_name, platforms, message) => {
    expect(() => checkWorkloadPlatforms(platforms, 'https://idp.example')).toThrow(
      expect.objectContaining({ name: 'TypeError', message: expect.stringContaining(message) }),
    );
  });
});
