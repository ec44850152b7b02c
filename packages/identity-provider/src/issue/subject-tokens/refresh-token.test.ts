import {
  TOKEN_TYPE_ACCESS_TOKEN,
  TOKEN_TYPE_ID_TOKEN,
  TOKEN_TYPE_JWT,
  TOKEN_TYPE_REFRESH_TOKEN,
} from '@credence/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import * as oauth from 'oauth4webapi';
import type { Answer } from '../../../../../test/support/roles/bot.ts';
import { RESOURCE, startUsersWorld, type UsersWorld } from '../../../../../test/support/roles/users-world.ts';
import type { IdJagRequest } from '../policy.ts';

let world: UsersWorld;
let policyRequests: IdJagRequest[];

beforeAll(async () => {
  world = await startUsersWorld({ allowPublicClients: true });
});
afterAll(() => world.close());
beforeEach(() => {
  policyRequests = [];
  world.issued.length = 0;
  world.accounts.set('alice', { email: 'alice@acme.example' });
  world.policy = (request) => {
    policyRequests.push(request);
    return { granted: true, clientId: `${request.clientId}-at-as`, scopes: ['read'] };
  };
});

const exchange = (token: string, clientId = 'bot', dpop?: oauth.DPoPHandle): Promise<Answer> =>
  world.exchange(clientId, { subject_token: token, subject_token_type: TOKEN_TYPE_REFRESH_TOKEN }, dpop);
const dpopHandle = async () => oauth.DPoP({}, await oauth.generateKeyPair('ES256'));

function expectRefused(answer: Answer, reason: string): void {
  expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  expect(policyRequests).toEqual([]);
  expect(world.issued).toEqual([
    expect.objectContaining({
      granted: false,
      status: 'subject_token_refused',
      error: 'invalid_grant',
      reason: expect.stringContaining(reason),
    }),
  ]);
}

describe('a refresh token as subject token', () => {
  it('gives the policy the claims of an ID token issued now, and how the user signed in', async () => {
    const token = await world.refreshToken('bot', { authTime: 1_700_000_000, acr: 'mfa', amr: ['pwd', 'otp'] });
    world.accounts.set('alice', { email: 'alice@new.example' });
    const { status, body } = await exchange(token);
    expect(status).toBe(200);
    expect(decodeJwt(String(body['access_token']))).toMatchObject({ sub: 'alice', client_id: 'bot-at-as' });
    expect(policyRequests[0]).toMatchObject({
      subject: 'alice',
      subjectKind: 'user',
      subjectTokenType: TOKEN_TYPE_REFRESH_TOKEN,
      claims: { sub: 'alice', email: 'alice@new.example' },
      authentication: { authenticatedAt: new Date(1_700_000_000_000), acr: 'mfa', amr: ['pwd', 'otp'] },
    });
    expect(JSON.stringify([body, world.issued])).not.toContain(token);
  });

  it('gives the policy only claims that the user consented to', async () => {
    await exchange(await world.refreshToken('bot', { consentedScope: 'openid' }));
    expect(policyRequests[0]?.claims).toEqual({ sub: 'alice' });
  });

  it('gives the policy its scopes and resources, so that the policy can refuse other resources', async () => {
    const crm = 'https://crm.acme.example';
    world.policy = (request) => {
      policyRequests.push(request);
      return request.resources.every((resource) => request.authorization?.resources.includes(resource))
        ? { granted: true, clientId: 'bot-at-as', scopes: ['read'] }
        : { granted: false, error: 'invalid_target', reason: 'not what the refresh token is for' };
    };
    const token = await world.refreshToken('bot', {
      consentedScope: 'openid',
      consentedResources: { [crm]: 'crm:read' },
      scope: 'openid email crm:read crm:write',
      resource: [crm],
    });
    expect((await exchange(token)).body).toMatchObject({ error: 'invalid_target' });
    await exchange(await world.refreshToken('bot', { consentedScope: 'openid' }));
    expect(policyRequests.map(({ authorization }) => authorization)).toEqual([
      { scopes: ['openid', 'crm:read'], resources: [crm], resourceScopes: ['crm:read'] },
      { scopes: ['openid'], resources: [], resourceScopes: [] },
    ]);
  });

  describe('with resources', () => {
    const crm = 'https://crm.acme.example';
    const withCrm = () =>
      world.refreshToken('bot', {
        consentedScope: 'openid',
        consentedResources: { [crm]: 'crm:read crm:list' },
        scope: 'openid crm:read crm:list crm:write',
        resource: [crm],
      });
    const send = async (parameters: Record<string, string | string[]>) =>
      world.exchange('bot', {
        subject_token: await withCrm(),
        subject_token_type: TOKEN_TYPE_REFRESH_TOKEN,
        ...parameters,
      });
    const granting = (more: object) => {
      world.policy = (request) => ({
        granted: true,
        clientId: 'bot-at-as',
        ...(request.scopes !== undefined && { scopes: request.scopes }),
        ...more,
      });
    };

    it('keeps the scopes of the ID-JAG within those that the user consented to', async () => {
      granting({});
      expect((await send({ resource: crm, scope: 'crm:read crm:write admin' })).body).toMatchObject({
        scope: 'crm:read',
      });
      expect((await send({ resource: `${crm}/`, scope: 'crm:list' })).body).toMatchObject({ scope: 'crm:list' });
      expect((await send({ resource: crm, scope: 'crm:write' })).body).toMatchObject({ error: 'invalid_scope' });
      expect((await send({ resource: crm })).body).toMatchObject({ scope: 'crm:read crm:list' });
      granting({ scopes: ['crm:write', 'crm:read', 'admin'] });
      expect((await send({ resource: crm })).body).toMatchObject({ scope: 'crm:read' });
    });

    it('keeps the resources of the ID-JAG within those of the refresh token', async () => {
      granting({ scopes: ['crm:read'] });
      for (const resource of [RESOURCE, [crm, RESOURCE], []]) {
        expect((await send({ resource })).body).toMatchObject({ error: 'invalid_target' });
      }
      granting({ scopes: ['crm:read'], resource: RESOURCE });
      expect((await send({ resource: [] })).body).toMatchObject({ error: 'invalid_target' });
      granting({ scopes: ['crm:read'], resource: crm });
      expect((await send({ resource: [] })).body).toMatchObject({ scope: 'crm:read', resource: crm });
    });
  });

  it('stays valid after the exchange, and the response has no new one', async () => {
    const token = await world.refreshToken('bot');
    for (let time = 0; time < 3; time += 1) {
      const { status, body } = await exchange(token);
      expect(status).toBe(200);
      expect(body).not.toHaveProperty('refresh_token');
    }
    expect((await world.provider.RefreshToken.find(token))?.consumed).toBeUndefined();
  });

  it('of another client is refused, and stays valid for its own client', async () => {
    const token = await world.refreshToken('bot');
    expectRefused(await exchange(token, 'other'), 'issued to another client');
    expect((await exchange(token)).status).toBe(200);
  });

  it('of a client without the grant type refresh_token is refused', async () => {
    expectRefused(await exchange(await world.refreshToken('no-refresh'), 'no-refresh'), 'grant type refresh_token');
  });

  it('that was replaced by rotation is refused, and all tokens of its grant are revoked', async () => {
    const token = await world.refreshToken('bot');
    const found = await world.provider.RefreshToken.find(token);
    const { grantId = '' } = found ?? {};
    const successor = await world.refreshToken('bot', { grantId });
    await found?.consume();
    const revoked: unknown[] = [];
    world.provider.once('grant.revoked', (_ctx, id: unknown) => revoked.push(id));
    expectRefused(await exchange(token), 'replaced by rotation');
    expect(revoked).toEqual([grantId]);
    expect(await world.provider.RefreshToken.find(successor)).toBeUndefined();
    expect(await world.provider.Grant.find(grantId)).toBeUndefined();
  });

  it('that was replaced by rotation does not revoke its grant if another client sends it', async () => {
    const token = await world.refreshToken('bot');
    const found = await world.provider.RefreshToken.find(token);
    await found?.consume();
    expectRefused(await exchange(token, 'other'), 'issued to another client');
    expect(await world.provider.Grant.find(found?.grantId ?? '')).toBeDefined();
  });

  it.each<[string, (token: string) => Promise<unknown>, string]>([
    ['that was revoked', async (token) => (await world.provider.RefreshToken.find(token))?.destroy(), 'revoked'],
    [
      'whose grant was revoked',
      async (token) => {
        const found = await world.provider.RefreshToken.find(token);
        await (await world.provider.Grant.find(found?.grantId ?? ''))?.destroy();
      },
      'grant of the refresh token does not exist',
    ],
    ['whose account was deleted', () => Promise.resolve(world.accounts.delete('alice')), 'account'],
  ])('%s is refused', async (_name, invalidate, reason) => {
    const token = await world.refreshToken('bot');
    await invalidate(token);
    expectRefused(await exchange(token), reason);
  });

  it('that has expired is refused', async () => {
    expectRefused(await exchange(await world.refreshToken('bot', { exp: 1_700_000_000 })), 'expired');
  });

  it.each([
    ['without openid among its scopes', { scope: 'offline_access' }],
    ['whose user did not consent to openid', { consentedScope: 'email' }],
  ])('%s is refused, because it does not identify the user', async (_name, properties) => {
    expectRefused(await exchange(await world.refreshToken('bot', properties)), 'openid');
  });

  it('whose grant belongs to another account is refused', async () => {
    const of = await world.provider.RefreshToken.find(await world.refreshToken('bot', { accountId: 'mallory' }));
    const { grantId = '' } = of ?? {};
    expectRefused(await exchange(await world.refreshToken('bot', { grantId })), 'belong');
  });

  it('that is bound to a key needs a DPoP proof of the key, and binds the ID-JAG', async () => {
    const dpop = await dpopHandle();
    const jkt = await dpop.calculateThumbprint();
    const token = await world.refreshToken('bot', { jkt });
    expectRefused(await exchange(token), 'no DPoP proof');
    world.issued.length = 0;
    expectRefused(await exchange(token, 'bot', await dpopHandle()), 'by another key');
    const { body } = await exchange(token, 'bot', dpop);
    expect(decodeJwt(String(body['access_token']))).toMatchObject({ cnf: { jkt } });
  });

  it.each([
    ['a certificate', { 'x5t#S256': 'thumbprint' }, 'certificate-bound'],
    ['an attestation', { attestationJkt: 'thumbprint' }, 'attestation-bound'],
  ])('that is bound to %s is refused', async (_name, properties, reason) => {
    expectRefused(await exchange(await world.refreshToken('bot', properties)), reason);
  });

  it('of a public client must be bound to a key', async () => {
    expectRefused(await exchange(await world.refreshToken('public'), 'public'), 'public client');
    const dpop = await dpopHandle();
    const bound = await world.refreshToken('public', { jkt: await dpop.calculateThumbprint() });
    expect((await exchange(bound, 'public', dpop)).status).toBe(200);
  });

  it('is refused with another subject_token_type, and other tokens are refused as refresh tokens', async () => {
    const refresh = await world.refreshToken('bot');
    const { access_token: own = '', id_token: idToken = '' } = await world.clientCredentials('bot');
    for (const [type, token] of [
      [TOKEN_TYPE_ACCESS_TOKEN, refresh],
      [TOKEN_TYPE_ID_TOKEN, refresh],
      [TOKEN_TYPE_JWT, refresh],
      [TOKEN_TYPE_REFRESH_TOKEN, own],
      [TOKEN_TYPE_REFRESH_TOKEN, idToken],
    ] as const) {
      world.issued.length = 0;
      expectRefused(await world.exchange('bot', { subject_token: token, subject_token_type: type }), '');
    }
  });

  it('cannot be an ID-JAG, with any subject_token_type', async () => {
    const { body } = await exchange(await world.refreshToken('bot'));
    const idJag = String(body['access_token']);
    policyRequests.length = 0;
    for (const type of [TOKEN_TYPE_ACCESS_TOKEN, TOKEN_TYPE_ID_TOKEN, TOKEN_TYPE_JWT, TOKEN_TYPE_REFRESH_TOKEN]) {
      world.issued.length = 0;
      expectRefused(await world.exchange('bot', { subject_token: idJag, subject_token_type: type }), '');
    }
  });
});
