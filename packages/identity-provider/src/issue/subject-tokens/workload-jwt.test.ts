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
let asked: IdJagRequest[];

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
  asked = [];
  world.issued.length = 0;
  world.policy = (request) => {
    asked.push(request);
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
  expect(asked).toEqual([]);
  expect(world.issued).toEqual([
    expect.objectContaining({ status: 'subject_token_refused', error, reason: expect.stringContaining(reason) }),
  ]);
}

describe('a workload JWT as subject token', () => {
  it('stands for the principal its platform was registered for, and is named in the record', async () => {
    const token = await sign();
    const { status, body } = await exchange(token);
    expect(status).toBe(200);
    expect(decodeJwt(String(body['access_token'])).sub).toBe('principal-bot');
    const workload = { issuer: platform.origin, subject: SUBJECT };
    expect(asked[0]).toMatchObject({
      subject: 'principal-bot',
      subjectKind: 'principal',
      subjectTokenType: TOKEN_TYPE_JWT,
      claims: { repository_id: '42' },
      workload,
    });
    expect(world.issued).toEqual([expect.objectContaining({ granted: true, subject: 'principal-bot', workload })]);
    expect(JSON.stringify(world.issued)).not.toContain(token.split('.')[2]);
  });

  it('may be without iat, and with the audience of its platform, as SPIFFE has it', async () => {
    expect((await exchange(await svid())).status).toBe(200);
    expect(asked[0]).toMatchObject({ subject: 'principal-bot', workload: { issuer: SPIFFE } });
  });

  it('asks the platform for its keys once', async () => {
    await exchange(await sign());
    await exchange(await sign());
    expect(platform.hits.get('/keys')).toBe(1);
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['that has expired', { iat: now() - 600, exp: now() - 60 }, 'has expired'],
    ['without exp', { exp: undefined }, 'exp is not right'],
    ['that is not valid yet', { nbf: now() + 60 }, 'nbf is not right'],
    ['of the future', { iat: now() + 60 }, 'issued in the future'],
    ['that lives for two days', { exp: now() + 2 * 86_400 }, 'lives longer'],
    ['for somebody else', { aud: 'https://sts.other.example' }, 'aud is not right'],
    ['for nobody', { aud: undefined }, 'aud is not right'],
    ['for a second audience', { aud: ['SELF', 'https://sts.other.example'] }, 'another audience'],
    ['of no registered platform', { iss: 'https://evil.example' }, 'https://evil.example is not a registered platform'],
    ['of this provider itself', { iss: 'SELF' }, 'is not a registered platform'],
    ['without an issuer', { iss: undefined }, 'not a registered platform'],
    ['of another registered platform', { iss: SPIFFE }, 'does not publish the signing key'],
    ['whose issuer is a name objects have', { iss: '__proto__' }, 'not a registered platform'],
    ['that calls itself the principal', { sub: 'principal-bot' }, 'no rule says'],
    ['that calls itself the client', { sub: 'bot' }, 'no rule says'],
    ['without sub', { sub: undefined }, 'no rule says'],
    ['whose sub is a list with the right one', { sub: [SUBJECT] }, ''],
    ['of the workload of another client', { sub: 'repo:acme/other:ref:refs/heads/main' }, 'no rule says'],
    ['of the workload on another platform', { sub: 'spiffe://acme.example/reports' }, 'no rule says'],
    ['with a claim that is not among those registered', { repository_id: '44' }, 'no rule says'],
    ['with a claim of another type', { repository_id: 42 }, 'no rule says'],
    ['without a claim that a function looks at', { enterprise: undefined }, 'no rule says'],
    ['bound to a key that was not proven', { cnf: { jkt: 'x' } }, 'not proven'],
    ['bound in a way that is not known', { cnf: { 'x5t#S256': 'x' } }, 'not supported'],
    ['bound to nothing', { cnf: 'x' }, 'not supported'],
  ])('%s is refused', async (_name, claims, reason) => {
    const own = (value: unknown): unknown =>
      Array.isArray(value) ? value.map(own) : value === 'SELF' ? world.issuer : value;
    const token = await sign(Object.fromEntries(Object.entries(claims).map(([name, value]) => [name, own(value)])));
    expectRefused(await exchange(token), reason);
  });

  it('without iat may live no longer from now than its platform may', async () => {
    expectRefused(await exchange(await svid({ exp: now() + 700 })), 'lives longer');
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
    ['larger than any honest one', `eyJhbGciOiJFUzI1NiJ9.${'x'.repeat(17_000)}.x`, 'larger than'],
    ['no JWT', 'nonsense', 'not a signed JWT'],
    ['three parts of nothing', 'a.b.c', 'not a signed JWT'],
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
    expectRefused(await exchange(await sign(), 'other'), 'no rule says');
    world.issued.length = 0;
    expect((await exchange(await sign({ sub: 'repo:acme/other:ref:refs/heads/main' }), 'other')).status).toBe(200);
  });

  it('that is bound needs a proof by its key, and binds the ID-JAG', async () => {
    const dpop = oauth.DPoP({}, await oauth.generateKeyPair('ES256'));
    const jkt = await dpop.calculateThumbprint();
    const { body } = await exchange(await sign({ cnf: { jkt } }), 'bot', dpop);
    expect(decodeJwt(String(body['access_token']))).toMatchObject({ cnf: { jkt } });
  });

  it('is accepted as a workload JWT only', async () => {
    for (const type of [TOKEN_TYPE_ID_TOKEN, TOKEN_TYPE_ACCESS_TOKEN, TOKEN_TYPE_REFRESH_TOKEN]) {
      world.issued.length = 0;
      expectRefused(await world.exchange('bot', { subject_token: await sign(), subject_token_type: type }), '');
    }
  });

  it('cannot be what this provider itself issues: an ID-JAG, an ID token', async () => {
    const { body } = await exchange(await sign());
    const { id_token: idToken = '' } = await world.clientCredentials('bot');
    asked.length = 0;
    for (const token of [String(body['access_token']), idToken]) {
      world.issued.length = 0;
      expectRefused(await exchange(token), '');
    }
  });

  it('of a platform that is away is answered with temporarily_unavailable, and accepted when it is back', async () => {
    const away = await loopback();
    const clock = { now: new Date() };
    const users = await startUsersWorld({
      workloadPlatforms: { [away.origin]: { workloads: [{ clientId: 'bot', claims: { sub: SUBJECT } }] } },
      now: () => clock.now,
    });
    try {
      const token = () => sign({ iss: away.origin, aud: users.issuer });
      const attempt = async () =>
        users.exchange('bot', { subject_token: await token(), subject_token_type: TOKEN_TYPE_JWT });
      expect(await attempt()).toMatchObject({ status: 503, body: { error: 'temporarily_unavailable' } });
      expect(users.issued.at(-1)).toMatchObject({
        granted: false,
        status: 'keys_unavailable',
        reason: `the keys of ${away.origin} cannot be had: metadata: answered 503`,
      });
      const jwks = { keys: [await publicJwk(platformKey, 'platform-1')] };
      away.serve((request, response) => {
        const metadata = { issuer: away.origin, jwks_uri: `${away.origin}/keys` };
        response.end(JSON.stringify(request.url === '/keys' ? jwks : metadata));
      });
      clock.now = new Date(clock.now.getTime() + 2000);
      expect((await attempt()).status).toBe(200);
    } finally {
      await Promise.all([users.close(), away.close()]);
    }
  });
});

describe('a client that has nothing but a workload JWT', () => {
  const platforms = async () => ({
    'https://ci.example': {
      jwks: { keys: [await publicJwk(platformKey, 'platform-1')] },
      workloads: [{ clientId: 'public', claims: { sub: SUBJECT } }],
    },
  });

  it.each([true, false])('is let in where public clients are: %s', async (allowPublicClients) => {
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

describe('the rules of a platform', () => {
  it('see the claims of a token, and nothing that objects have by themselves', () => {
    const rules = [{ clientId: 'bot', claims: { toString: (value: unknown) => value !== undefined } }];
    expect(matchingRule(rules, { sub: 'x' })).toBeUndefined();
    expect(matchingRule(rules, { toString: 'x' })).toBe(rules[0]);
  });
});

describe('platforms that cannot be meant', () => {
  const rule = { clientId: 'bot', claims: { sub: 'x' } };
  const odd = (members: object): WorkloadPlatform => ({ workloads: [rule], ...members });

  it.each<[string, Record<string, WorkloadPlatform>, string]>([
    ['this provider itself', { 'https://idp.example': { workloads: [rule] } }, 'of itself'],
    ['a rule for everybody', { 'https://p.example': { workloads: [{ clientId: 'bot', claims: {} }] } }, 'everybody'],
    ['no rules', { 'https://p.example': { workloads: [] } }, 'workloads'],
    ['plain http', { 'http://p.example': { workloads: [rule] } }, 'neither https nor on loopback'],
    ['one algorithm in a text', { 'https://p.example': odd({ algorithms: 'ES256' }) }, 'algorithms'],
    ['no algorithm', { 'https://p.example': odd({ algorithms: [] }) }, 'algorithms'],
    ['keys that are none', { 'https://p.example': odd({ jwks: [] }) }, 'not a key set'],
    ['a key set on plain http', { 'https://p.example': odd({ jwksUri: 'http://p.example/keys' }) }, 'on loopback'],
    ['a misspelt member', { 'https://p.example': odd({ jwks_uri: 'https://p.example/keys' }) }, 'jwks_uri'],
    ['a lifetime of nothing', { 'https://p.example': { workloads: [rule], maxLifetimeSeconds: 0 } }, 'maxLifetime'],
  ])('%s', (_name, platforms, message) => {
    expect(() => checkWorkloadPlatforms(platforms, 'https://idp.example')).toThrow(
      expect.objectContaining({ name: 'TypeError', message: expect.stringContaining(message) }),
    );
  });
});
