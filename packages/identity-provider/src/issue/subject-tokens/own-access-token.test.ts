import {
  GRANT_JWT_BEARER,
  GRANT_JWT_DPOP,
  TOKEN_TYPE_ACCESS_TOKEN,
  TOKEN_TYPE_ID_JAG,
  TOKEN_TYPE_ID_TOKEN,
  TOKEN_TYPE_JWT,
  TOKEN_TYPE_REFRESH_TOKEN,
} from '@credence/protocol';
import { addIdJagGrant } from '@credence/authorization-server/oidc-provider';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import * as oauth from 'oauth4webapi';
import { Bot, outcome } from '../../../../../test/support/roles/bot.ts';
import {
  generousPolicy,
  OPAQUE_RESOURCE,
  spyOnPolicy,
  startWorld,
  type World,
} from '../../../../../test/support/roles/world.ts';

let world: World;
let bot: Bot;
let other: Bot;

beforeAll(async () => {
  world = await startWorld();
  bot = new Bot(world);
  other = new Bot(world, 'other');
});
afterAll(() => world.close());
beforeEach(() => {
  world.policy = generousPolicy;
  world.issued.length = 0;
});

async function dpopHandle(): Promise<oauth.DPoPHandle> {
  return oauth.DPoP({}, await oauth.generateKeyPair('ES256'));
}

describe("the principal's own access token", () => {
  it('is accepted only from the client that it was issued to', async () => {
    const own = await bot.authenticate();
    expect(outcome(await other.exchange({ subject_token: own['access_token'] ?? '' }))).toBe('invalid_grant');
    expect(world.issued.at(-1)).toMatchObject({ reason: 'the subject token was issued to another client' });
    expect(outcome(await bot.exchange({ subject_token: own['access_token'] ?? '' }))).toBe('granted');
  });

  it('that is bound to a key needs a DPoP proof of the key, and binds the ID-JAG', async () => {
    const dpop = await dpopHandle();
    const own = await bot.authenticate(undefined, dpop);
    expect(own['token_type']).toBe('DPoP');
    const request = {
      requested_token_type: TOKEN_TYPE_ID_JAG,
      subject_token: own['access_token'] ?? '',
      subject_token_type: TOKEN_TYPE_ACCESS_TOKEN,
      audience: world.as.issuer,
    };
    expect(outcome(await bot.exchangeRaw(request))).toBe('invalid_grant');
    expect(outcome(await bot.exchangeRaw(request, await dpopHandle()))).toBe('invalid_grant');
    const { body } = await bot.exchangeRaw(request, dpop);
    expect(decodeJwt(String(body['access_token']))).toMatchObject({ cnf: { jkt: await dpop.calculateThumbprint() } });
    expect(world.issued.at(-1)).toMatchObject({ granted: true, bound: true });
  });

  it('that was deleted is refused', async () => {
    const own = await bot.authenticate();
    const token = await world.idp.provider.ClientCredentials.find(own['access_token'] ?? '');
    await token?.destroy();
    expect(outcome(await bot.exchange({ subject_token: own['access_token'] ?? '' }))).toBe('invalid_grant');
  });
});

describe('an access token as subject token', () => {
  const refused = async (token: string, reason: string) => {
    expect(outcome(await bot.exchange({ subject_token: token }))).toBe('invalid_grant');
    expect(world.issued.at(-1)).toMatchObject({
      granted: false,
      status: 'subject_token_refused',
      reason: expect.stringContaining(reason),
    });
  };
  const registered = async () => {
    const client = await world.idp.provider.Client.find('bot');
    if (client === undefined) throw new Error('no client');
    return client;
  };

  it('that has expired is refused', async () => {
    const token = new world.idp.provider.ClientCredentials({ client: await registered(), scope: '' });
    token.exp = Math.floor(Date.now() / 1000) - 1;
    await refused(await token.save(), 'expired');
  });

  it('of a user is refused, because it does not identify the client', async () => {
    const token = new world.idp.provider.AccessToken({
      client: await registered(),
      accountId: 'alice',
      grantId: 'grant',
      gty: 'authorization_code',
      scope: 'openid',
    });
    await refused(await token.save(), 'unknown');
  });

  it('that is bound to a certificate is refused', async () => {
    const token = new world.idp.provider.ClientCredentials({ client: await registered(), scope: '' });
    token['x5t#S256'] = 'thumbprint';
    await refused(await token.save(), 'certificate-bound');
  });

  it('of another provider is refused', async () => {
    const elsewhere = await startWorld();
    try {
      const { access_token: token = '' } = await new Bot(elsewhere).authenticate();
      await refused(token, 'unknown');
    } finally {
      await elsewhere.close();
    }
  });

  it.each([TOKEN_TYPE_ACCESS_TOKEN, TOKEN_TYPE_ID_TOKEN, TOKEN_TYPE_REFRESH_TOKEN, TOKEN_TYPE_JWT])(
    'that is an ID-JAG is refused with the subject token type %s',
    async (type) => {
      const policyRequests = spyOnPolicy(world);
      const idJag = await bot.idJag();
      expect(policyRequests).toHaveLength(1);
      const answer = await bot.exchange({ subject_token: idJag, subject_token_type: type });
      expect(outcome(answer)).toBe('invalid_grant');
      expect(policyRequests).toHaveLength(1);
    },
  );

  it('is never issued by this provider for one of its own ID-JAGs', async () => {
    const idJag = await bot.idJag();
    const { privateKey } = world.keys.bot;
    for (const grantType of [GRANT_JWT_BEARER, GRANT_JWT_DPOP]) {
      const response = await oauth.genericTokenEndpointRequest(
        bot.idp(),
        { client_id: 'bot' },
        oauth.PrivateKeyJwt({ key: privateKey, kid: 'bot' }),
        grantType,
        { assertion: idJag },
        { [oauth.allowInsecureRequests]: true },
      );
      expect(await response.json()).toMatchObject({ error: 'unsupported_grant_type' });
    }
    expect(outcome(await bot.exchange({ requested_token_type: TOKEN_TYPE_ACCESS_TOKEN, subject_token: idJag }))).toBe(
      'invalid_request',
    );
    // a provider cannot be configured to trust its own ID-JAGs either
    const trustItself = () =>
      addIdJagGrant(world.idp.provider, {
        issuers: { [world.idp.issuer]: {} },
        resources: { [OPAQUE_RESOURCE]: { scopes: ['issues:read'] } },
      });
    expect(trustItself).toThrow('of itself');
  });
});
