import { TOKEN_TYPE_ACCESS_TOKEN, TOKEN_TYPE_ID_TOKEN, TOKEN_TYPE_REFRESH_TOKEN } from '@credence/protocol';
import { verifyIdJag } from '@credence/authorization-server';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import type { Answer } from '../../../../test/support/roles/bot.ts';
import { startUsersWorld, type UsersWorld } from '../../../../test/support/roles/users-world.ts';
import { createSigningKeys } from '../signing-keys/signing-keys.ts';
import { type PolicyTable, policyTable } from './policy-table.ts';

const PAIRWISE_SECRET = 'a secret of at least thirty-two bytes, kept for years';
const clients = { bot: 'bot-at-as' };
const server = (name: string) => ({
  issuer: `https://${name}.example`,
  resource: `https://${name}.example/mcp`,
  scopes: ['read', 'write'],
  clients,
});

let world: UsersWorld;
let table: PolicyTable;

beforeAll(async () => {
  world = await startUsersWorld({
    signingKeys: await createSigningKeys({ algorithms: ['ES256', 'EdDSA'] }),
    lifetimeSeconds: 120,
  });
});
afterAll(() => world.close());
beforeEach(() => {
  table = policyTable({
    pairwiseSecret: PAIRWISE_SECRET,
    servers: {
      plain: { ...server('plain'), subjects: 'public' },
      es256: { ...server('es256'), algorithm: 'ES256' },
      eddsa: { ...server('eddsa'), algorithm: 'EdDSA', maxLifetimeSeconds: 60 },
      rs256: { ...server('rs256'), algorithm: 'RS256', maxLifetimeSeconds: 600 },
      strict: { ...server('strict'), userAuthentication: { maxAgeSeconds: 300, acrValues: ['phr', 'mfa'] } },
    },
    groups: {
      everywhere: Object.fromEntries(['plain', 'es256', 'eddsa', 'rs256', 'strict'].map((name) => [name, ['read']])),
    },
    principals: { bot: { groups: ['everywhere'] } },
    users: { alice: { groups: ['everywhere'] } },
  });
  world.policy = table.policy;
  world.issued.length = 0;
});

const target = (name: string) => ({ audience: `https://${name}.example`, resource: `https://${name}.example/mcp` });
const ownAccessToken = async () => ({
  subject_token: (await world.clientCredentials('bot'))['access_token'] ?? '',
  subject_token_type: TOKEN_TYPE_ACCESS_TOKEN,
});
const asPrincipal = async (name: string): Promise<Answer> =>
  world.exchange('bot', { ...(await ownAccessToken()), ...target(name) });
const aliceIdToken = async (claims?: Record<string, unknown>) => ({
  subject_token: await world.idToken('bot', 'alice', claims),
  subject_token_type: TOKEN_TYPE_ID_TOKEN,
});

describe('an identity provider with a policy table', () => {
  it('refuses a server whose algorithm has no signing key', async () => {
    const refused = await asPrincipal('rs256');
    expect(refused).toMatchObject({ status: 400, body: { error: 'invalid_target' } });
    expect(JSON.stringify(refused.body)).not.toContain('RS256');
    expect(world.issued).toEqual([
      expect.objectContaining({
        granted: false,
        status: 'no_signing_key',
        error: 'invalid_target',
        reason: 'the target needs RS256 and there is no signing key for it; there are keys for ES256, EdDSA',
      }),
    ]);
    expect(world.issued[0]).not.toHaveProperty('jti');
  });

  it.each(['ES256', 'EdDSA'])('signs with %s for a server with that algorithm', async (algorithm) => {
    const { body } = await asPrincipal(algorithm.toLowerCase());
    const assertion = String(body['access_token']);
    expect(decodeProtectedHeader(assertion)).toMatchObject({ alg: algorithm });
    await expect(
      verifyIdJag(assertion, {
        issuers: { [world.issuer]: { algorithms: [algorithm] } },
        audience: `https://${algorithm.toLowerCase()}.example`,
        clientId: 'bot-at-as',
      }),
    ).resolves.toMatchObject({ scopes: ['read'] });
  });

  it('signs with RS256 if there is a key for it, and limits the lifetime of an ID-JAG to that of the server', async () => {
    const rsa = await startUsersWorld({
      signingKeys: await createSigningKeys({ algorithms: ['ES256', 'RS256'] }),
      lifetimeSeconds: 120,
    });
    try {
      rsa.policy = table.policy;
      const { access_token: token = '' } = await rsa.clientCredentials('bot');
      const parameters = { subject_token: token, subject_token_type: TOKEN_TYPE_ACCESS_TOKEN, ...target('rs256') };
      const { body } = await rsa.exchange('bot', parameters);
      expect(body).toMatchObject({ expires_in: 120 });
      const verified = await verifyIdJag(String(body['access_token']), {
        issuers: { [rsa.issuer]: { algorithms: ['RS256'] } },
        audience: 'https://rs256.example',
        clientId: 'bot-at-as',
      });
      expect(verified.resources).toEqual(['https://rs256.example/mcp']);
    } finally {
      await rsa.close();
    }
    const { body } = await asPrincipal('eddsa');
    expect(body).toMatchObject({ expires_in: 60 });
    const { exp = 0, iat = 0 } = decodeJwt(String(body['access_token']));
    expect(exp - iat).toBe(60);
  });

  it('issues a different pairwise subject for each authorization server, and records it with the real subject', async () => {
    const [first, again, other, open] = await Promise.all(
      ['es256', 'es256', 'eddsa', 'plain'].map(async (name) => {
        const { body } = await asPrincipal(name);
        return decodeJwt(String(body['access_token'])).sub;
      }),
    );
    expect(again).toBe(first);
    expect(other).not.toBe(first);
    expect(open).toBe('bot');
    const records = world.issued.map(({ subject, issuedSubject }) => ({ subject, issuedSubject }));
    expect(records).toContainEqual({ subject: 'bot', issuedSubject: first });
    expect(records).toContainEqual({ subject: 'bot', issuedSubject: undefined });
  });

  it('replaces the actors of a user token by a different pseudonym for each authorization server', async () => {
    const agent = 'agent-7@acme.example';
    const [first, other, open] = await Promise.all(
      ['es256', 'eddsa', 'plain'].map(async (name) => {
        const delegated = await aliceIdToken({ act: { sub: agent } });
        const { body } = await world.exchange('bot', { ...delegated, ...target(name) });
        return decodeJwt(String(body['access_token']))['act'];
      }),
    );
    expect(first).toEqual({ sub: expect.stringMatching(/^[\w-]{43}$/u) });
    expect(other).not.toEqual(first);
    expect(open).toEqual({ sub: agent });
  });

  it('issues nothing for a paused server, and names the reason only in the audit record', async () => {
    table.pauseServer('plain');
    const answer = await asPrincipal('plain');
    expect(answer).toEqual({
      status: 400,
      body: { error: 'access_denied', error_description: 'the policy of this identity provider does not allow it' },
    });
    expect(world.issued).toEqual([
      {
        time: expect.any(Date),
        granted: false,
        status: 'server_paused',
        clientId: 'bot',
        subject: 'bot',
        subjectTokenType: TOKEN_TYPE_ACCESS_TOKEN,
        audience: 'https://plain.example',
        resource: ['https://plain.example/mcp'],
        error: 'access_denied',
        reason: 'the server plain is paused: resume it',
      },
    ]);
    table.resumeServer('plain');
    expect((await asPrincipal('plain')).status).toBe(200);
    expect(world.issued.at(-1)).toMatchObject({ granted: true, status: 'granted', grantedScopes: ['read'] });
  });

  it('records the requested scopes that it did not grant', async () => {
    await world.exchange('bot', { ...(await ownAccessToken()), ...target('plain'), scope: 'read write' });
    expect(world.issued).toEqual([
      expect.objectContaining({
        granted: true,
        status: 'granted',
        requestedScopes: ['read', 'write'],
        grantedScopes: ['read'],
        reason: 'left out: bot has no grant for write at plain',
      }),
    ]);
  });
});

describe('step-up of a user', () => {
  const now = () => Math.floor(Date.now() / 1000);

  it('requests a newer or stronger sign-in in the error response, and is granted after it', async () => {
    const refused = await world.exchange('bot', {
      ...(await aliceIdToken({ auth_time: now() - 3600 })),
      ...target('strict'),
    });
    expect(refused).toEqual({
      status: 400,
      body: {
        error: 'insufficient_user_authentication',
        error_description: expect.stringContaining('authenticate again'),
        max_age: 300,
        acr_values: 'phr mfa',
      },
    });
    expect(world.issued).toEqual([
      expect.objectContaining({
        granted: false,
        status: 'authentication_insufficient',
        error: 'insufficient_user_authentication',
        subject: 'alice',
        reason: expect.stringMatching(/signed in \d+ s ago, and 300 s are allowed/u),
      }),
    ]);
    const signIn = { auth_time: now() - 10, acr: 'mfa', amr: ['otp'] };
    const fresh = await aliceIdToken(signIn);
    const { status, body } = await world.exchange('bot', { ...fresh, ...target('strict') });
    expect(status).toBe(200);
    expect(decodeJwt(String(body['access_token']))).toMatchObject(signIn);
  });

  it.each([1e17, Math.floor(Date.now() / 1000) + 3600])(
    'requests a new sign-in if auth_time is %d, a time in the future',
    async (time) => {
      const refused = await world.exchange('bot', {
        ...(await aliceIdToken({ auth_time: time, acr: 'mfa' })),
        ...target('strict'),
      });
      expect(refused.body).toMatchObject({ error: 'insufficient_user_authentication' });
      const { body } = await world.exchange('bot', {
        ...(await aliceIdToken({ auth_time: time })),
        ...target('plain'),
      });
      expect(decodeJwt(String(body['access_token']))).not.toHaveProperty('auth_time');
    },
  );

  it('uses the time of the sign-in for a refresh token, not the time of its renewal', async () => {
    const exchange = async (authTime: number) =>
      world.exchange('bot', {
        subject_token: await world.refreshToken('bot', { authTime, acr: 'mfa' }),
        subject_token_type: TOKEN_TYPE_REFRESH_TOKEN,
        ...target('strict'),
      });
    expect((await exchange(now() - 3600)).body).toMatchObject({
      error: 'insufficient_user_authentication',
      max_age: 300,
    });
    expect((await exchange(now() - 60)).status).toBe(200);
  });

  it('can be requested by a policy callback, with only the parameters that the callback sets', async () => {
    world.policy = () => ({
      granted: false,
      error: 'insufficient_user_authentication',
      reason: 'r',
      description: 'sign in again',
      maxAgeSeconds: 0,
    });
    expect((await world.exchange('bot', { ...(await aliceIdToken()), ...target('plain') })).body).toEqual({
      error: 'insufficient_user_authentication',
      error_description: 'sign in again',
      max_age: 0,
    });
    world.policy = () => ({ granted: false, error: 'access_denied', reason: 'r', maxAgeSeconds: 5 });
    expect((await world.exchange('bot', { ...(await aliceIdToken()), ...target('plain') })).body).not.toHaveProperty(
      'max_age',
    );
  });
});
