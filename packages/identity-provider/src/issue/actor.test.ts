import {
  TOKEN_TYPE_ACCESS_TOKEN,
  TOKEN_TYPE_ID_TOKEN,
  TOKEN_TYPE_JWT,
  TOKEN_TYPE_REFRESH_TOKEN,
} from '@credence/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose';
import * as oauth from 'oauth4webapi';
import type { Answer } from '../../../../test/support/roles/bot.ts';
import { startUsersWorld, type UsersWorld } from '../../../../test/support/roles/users-world.ts';
import type { IdJagRequest } from './policy.ts';

const PLATFORM = 'https://platform.acme.example';

let world: UsersWorld;
let platformKey: Awaited<ReturnType<typeof generateKeyPair>>;
let policyRequests: IdJagRequest[];

beforeAll(async () => {
  platformKey = await generateKeyPair('ES256');
  world = await startUsersWorld({
    subject: (clientId) => `principal-${clientId}`,
    workloadPlatforms: {
      [PLATFORM]: {
        jwks: { keys: [{ ...(await exportJWK(platformKey.publicKey)), alg: 'ES256' }] },
        workloads: [
          { clientId: 'bot', claims: { sub: 'workload-of-bot' } },
          { clientId: 'other', claims: { sub: 'workload-of-other' } },
        ],
      },
    },
  });
});
afterAll(() => world.close());
beforeEach(() => {
  policyRequests = [];
  world.issued.length = 0;
  world.policy = (request) => {
    policyRequests.push(request);
    return { granted: true, clientId: 'bot-at-as', scopes: ['read'], claims: { act: { sub: 'made-up' } } };
  };
});

const alice = async (claims?: Record<string, unknown>) => ({
  subject_token: await world.idToken('bot', 'alice', claims),
  subject_token_type: TOKEN_TYPE_ID_TOKEN,
});
const actor = (token: string | undefined, type: string) => ({ actor_token: token ?? '', actor_token_type: type });
const ownToken = async (clientId = 'bot', dpop?: oauth.DPoPHandle) =>
  actor((await world.clientCredentials(clientId, dpop))['access_token'], TOKEN_TYPE_ACCESS_TOKEN);
const ownIdToken = async (clientId = 'bot') =>
  actor((await world.clientCredentials(clientId))['id_token'], TOKEN_TYPE_ID_TOKEN);
const workload = async (sub: string, claims: Record<string, unknown> = {}) => {
  const token = await new SignJWT({ ...claims, sub })
    .setProtectedHeader({ alg: 'ES256', typ: 'JWT' })
    .setIssuer(PLATFORM)
    .setAudience(world.issuer)
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(platformKey.privateKey);
  return actor(token, TOKEN_TYPE_JWT);
};

const claimsOf = ({ status, body }: Answer) => {
  expect(status).toBe(200);
  return decodeJwt(String(body['access_token']));
};

describe('a principal that acts for a user', () => {
  it.each<[string, () => Promise<Record<string, string>>, string]>([
    ['its own access token', () => ownToken(), TOKEN_TYPE_ACCESS_TOKEN],
    ['its own ID token', () => ownIdToken(), TOKEN_TYPE_ID_TOKEN],
    ['its workload JWT', () => workload('workload-of-bot'), TOKEN_TYPE_JWT],
  ])(
    'proves itself with %s, and the policy, the ID-JAG and the audit record contain both',
    async (_name, actorToken, tokenType) => {
      const claims = claimsOf(await world.exchange('bot', { ...(await alice()), ...(await actorToken()) }));
      expect(claims).toMatchObject({ sub: 'alice', act: { sub: 'principal-bot' } });
      expect(policyRequests).toEqual([
        expect.objectContaining({ subject: 'alice', actor: { subject: 'principal-bot', tokenType } }),
      ]);
      expect(world.issued).toEqual([
        expect.objectContaining({ granted: true, subject: 'alice', actor: 'principal-bot' }),
      ]);
    },
  );

  it('is accepted with a refresh token as subject token', async () => {
    const subject = {
      subject_token: await world.refreshToken('bot'),
      subject_token_type: TOKEN_TYPE_REFRESH_TOKEN,
    };
    expect(claimsOf(await world.exchange('bot', { ...subject, ...(await ownToken()) }))).toMatchObject({
      sub: 'alice',
      act: { sub: 'principal-bot' },
    });
  });

  it('gets an ID-JAG with the earlier actors of the subject token, which the policy cannot remove', async () => {
    const before = { sub: 'first-actor' };
    const delegated = await alice({ act: before });
    expect(claimsOf(await world.exchange('bot', { ...delegated, ...(await ownToken()) }))['act']).toEqual({
      sub: 'principal-bot',
      act: before,
    });
    expect(claimsOf(await world.exchange('bot', delegated))['act']).toEqual(before);
  });

  it('gets an ID-JAG with the earlier actor that the policy names, if the subject token has one', async () => {
    world.policy = () => ({ granted: true, clientId: 'bot-at-as', scopes: ['read'], priorAct: { sub: 'a-pseudonym' } });
    const delegated = await alice({ act: { sub: 'first-actor' } });
    expect(claimsOf(await world.exchange('bot', delegated))['act']).toEqual({ sub: 'a-pseudonym' });
    expect(claimsOf(await world.exchange('bot', { ...delegated, ...(await ownToken()) }))['act']).toEqual({
      sub: 'principal-bot',
      act: { sub: 'a-pseudonym' },
    });
    expect(claimsOf(await world.exchange('bot', await alice()))).not.toHaveProperty('act');
  });

  it('needs a DPoP proof if its actor token is bound to a key', async () => {
    const dpop = oauth.DPoP({}, await oauth.generateKeyPair('ES256'));
    const bound = { ...(await alice()), ...(await ownToken('bot', dpop)) };
    expect((await world.exchange('bot', bound)).body).toMatchObject({ error: 'invalid_grant' });
    expect(claimsOf(await world.exchange('bot', bound, dpop))).toMatchObject({ act: { sub: 'principal-bot' } });
  });

  it.each<[string, () => Promise<Record<string, string>>, string]>([
    ["another client's access token", () => ownToken('other'), 'issued to another client'],
    ["another client's ID token", () => ownIdToken('other'), ''],
    ["another client's workload JWT", () => workload('workload-of-other'), 'no rule in workloads'],
    [
      "a user's ID token",
      async () => actor(await world.idToken('bot', 'alice'), TOKEN_TYPE_ID_TOKEN),
      'identifies a user',
    ],
    [
      'an ID-JAG',
      async () => {
        const { body } = await world.exchange('bot', await alice());
        return actor(String(body['access_token']), TOKEN_TYPE_ID_TOKEN);
      },
      'another kind of JWT',
    ],
    [
      'an ID-JAG sent as a workload JWT',
      async () => {
        const { body } = await world.exchange('bot', await alice());
        return actor(String(body['access_token']), TOKEN_TYPE_JWT);
      },
      'another kind of JWT',
    ],
    ['a text that is not a token', () => Promise.resolve(actor('nonsense', TOKEN_TYPE_ACCESS_TOKEN)), 'unknown'],
  ])('is refused with %s as actor token', async (_name, actorToken, reason) => {
    const parameters = { ...(await alice()), ...(await actorToken()) };
    policyRequests.length = 0;
    world.issued.length = 0;
    expect(await world.exchange('bot', parameters)).toEqual({
      status: 400,
      body: { error: 'invalid_grant', error_description: 'the actor token is not valid' },
    });
    expect(policyRequests).toEqual([]);
    expect(world.issued).toEqual([
      expect.objectContaining({
        status: 'actor_token_refused',
        subject: 'alice',
        reason: expect.stringContaining(reason),
      }),
    ]);
    expect(world.issued[0]).not.toHaveProperty('actor');
  });

  it('is not taken from the act claim of a workload JWT', async () => {
    world.policy = () => ({ granted: true, clientId: 'bot-at-as', scopes: ['read'] });
    const { actor_token: token } = await workload('workload-of-bot', { act: { sub: 'admin' } });
    const claims = claimsOf(await world.exchange('bot', { subject_token: token, subject_token_type: TOKEN_TYPE_JWT }));
    expect(claims.sub).toBe('principal-bot');
    expect(claims).not.toHaveProperty('act');
  });

  it('is refused if the subject token is of a principal', async () => {
    const { actor_token: token } = await ownToken();
    const subject = { subject_token: token, subject_token_type: TOKEN_TYPE_ACCESS_TOKEN };
    expect((await world.exchange('bot', { ...subject, ...(await ownToken()) })).body).toMatchObject({
      error: 'invalid_request',
    });
  });
});
