import { afterEach, describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import { Provider } from 'oidc-provider';
import { Bot } from '../../test-support/bot.ts';
import { JWT_RESOURCE, OPAQUE_RESOURCE, RS_SECRET, startWorld, type World } from '../../test-support/world.ts';
import { createSigningKeys } from '../keys/signing-keys.ts';
import { accessTokenVerifier } from '../resource-server/access-token-verifier.ts';
import { callerOf } from '../resource-server/caller.ts';
import { linkAccounts } from './accounts.ts';
import type { RedeemIdJagOptions } from './options.ts';
import { redeemIdJag } from './redeem-id-jag.ts';

let world: World;

afterEach(() => world.close());

async function start(redeem: Partial<RedeemIdJagOptions> = {}): Promise<Bot> {
  world = await startWorld({ redeem });
  return new Bot(world);
}

/** Signed by the IdP's own key, with claims its policy would not give. */
function idJag(claims: Record<string, unknown> = {}): Promise<string> {
  const iat = Math.floor(Date.now() / 1000);
  const good = {
    iss: world.idp.issuer,
    sub: 'ann',
    aud: world.as.issuer,
    client_id: 'bot-at-as',
    jti: `j${Math.random()}`,
    iat,
    exp: iat + 60,
    resource: OPAQUE_RESOURCE,
    scope: 'issues:read issues:write',
  };
  return world.signingKeys.sign({ ...good, ...claims }, { typ: 'oauth-id-jag+jwt' });
}

const DETAILS = [{ type: 'issue', actions: ['close'], locations: [OPAQUE_RESOURCE] }];
const resources: RedeemIdJagOptions['resources'] = {
  [OPAQUE_RESOURCE]: { scopes: ['issues:read', 'issues:write'], authorizationDetailsTypes: ['issue'] },
  [JWT_RESOURCE]: {
    scopes: ['docs:read'],
    authorizationDetailsTypes: ['issue'],
    accessTokenFormat: 'jwt',
    accessTokenAlgorithm: 'ES256',
  },
};

describe('who the caller is', () => {
  it('reaches the resource server by introspection: act, groups, roles', async () => {
    const bot = await start();
    const claims = { act: { sub: 'operator' }, groups: ['engineering'], roles: ['auditor'] };
    const { body } = await bot.redeem(await idJag(claims));
    await expect(bot.introspect(String(body['access_token']))).resolves.toMatchObject({ active: true, ...claims });
    const verifier = accessTokenVerifier({
      issuer: world.as.issuer,
      resource: OPAQUE_RESOURCE,
      introspection: { clientId: 'resource-server', clientSecret: RS_SECRET },
    });
    const authInfo = await verifier.verifyAccessToken(String(body['access_token']));
    expect(callerOf({ authInfo })).toMatchObject({
      subject: `${world.idp.issuer}#ann`,
      clientId: 'bot-at-as',
      groups: ['engineering'],
      roles: ['auditor'],
      actor: { sub: 'operator' },
      proven: false,
    });
  });

  it('reaches it in a JWT, as the callback says', async () => {
    const bot = await start({ tokenClaims: ({ claims }) => ({ department: claims['department'] }) });
    const assertion = await idJag({ resource: JWT_RESOURCE, department: 'it', groups: ['x'] });
    const { body } = await bot.redeem(assertion);
    const claims = decodeJwt(String(body['access_token']));
    expect(claims).toMatchObject({ department: 'it', sub: `${world.idp.issuer}#ann` });
    expect(claims).not.toHaveProperty('groups');
  });

  it('is never set over what the token itself says', async () => {
    const bot = await start({ tokenClaims: () => ({ sub: 'admin' }) });
    await expect(bot.redeem(await idJag())).resolves.toMatchObject({ body: { error: 'server_error' } });
    expect(world.redeemed).toMatchObject([{ granted: false, error: 'server_error' }]);
  });

  it('that cannot be carried by the provider is an error that names the remedy', async () => {
    const bot = await start();
    // A provider without idJagAuthorizationServerConfiguration.
    const provider = new Provider(world.as.issuer, {
      clients: [
        {
          client_id: 'bot-at-as',
          client_secret: 'a-secret-of-the-bot-at-the-authorization-server',
          grant_types: ['urn:ietf:params:oauth:grant-type:jwt-bearer'],
          redirect_uris: [],
          response_types: [],
        },
      ],
    });
    const reasons: unknown[] = [];
    redeemIdJag(provider, {
      issuers: { [world.idp.issuer]: {} },
      resources,
      audit: ({ reason }) => reasons.push(reason),
    });
    const callback = provider.callback();
    world.as.server.serve((request, response) => void callback(request, response));
    await expect(bot.redeem(await idJag())).resolves.toMatchObject({ status: 200 });
    await expect(bot.redeem(await idJag({ groups: ['g'] }))).resolves.toMatchObject({
      body: { error: 'server_error' },
    });
    expect(reasons).toEqual([undefined, expect.stringContaining('extraTokenClaims: idJagTokenClaims')]);
  });
});

describe('authorization_details', () => {
  it.each([OPAQUE_RESOURCE, JWT_RESOURCE])('are in the answer and the token of %s', async (resource) => {
    const bot = await start({ resources });
    const details = [{ ...DETAILS[0], locations: [resource] }];
    const assertion = await idJag({ authorization_details: details, resource, scope: undefined });
    const { status, body } = await bot.redeem(assertion);
    expect({ status, details: body['authorization_details'] }).toEqual({ status: 200, details });
    const token = String(body['access_token']);
    const claims = resource === JWT_RESOURCE ? decodeJwt(token) : await bot.introspect(token);
    expect(claims).toMatchObject({ authorization_details: details });
    expect(world.redeemed).toMatchObject([{ granted: true, grantedDetailsTypes: ['issue'], grantedScopes: [] }]);
  });

  it('of types the resource does not know are not granted, and alone are not enough', async () => {
    const bot = await start({ resources });
    const assertion = await idJag({ authorization_details: [{ type: 'payroll' }] });
    const { body } = await bot.redeem(assertion);
    expect(body).toMatchObject({ scope: 'issues:read issues:write' });
    expect(body).not.toHaveProperty('authorization_details');
    const alone = await idJag({ authorization_details: [{ type: 'payroll' }], scope: undefined });
    await expect(bot.redeem(alone)).resolves.toMatchObject({ body: { error: 'invalid_scope' } });
  });

  it('can be narrowed, and not widened', async () => {
    const narrowing = await start({
      resources,
      authorizationDetailsFor: ([first]) => (first ? [{ type: first.type }] : []),
    });
    const assertion = await idJag({ authorization_details: DETAILS });
    await expect(narrowing.redeem(assertion)).resolves.toMatchObject({
      body: { authorization_details: [{ type: 'issue' }] },
    });
    await world.close();
    const widening = await start({ resources, authorizationDetailsFor: () => [{ type: 'payroll' }] });
    await expect(widening.redeem(await idJag({ authorization_details: DETAILS }))).resolves.toMatchObject({
      body: { error: 'server_error' },
    });
  });
});

describe('what a subject may have here', () => {
  it('can be a table of groups', async () => {
    const bot = await start({
      scopesFor: [
        { group: 'engineering', scopes: ['issues:read'] },
        { role: 'admin', scopes: ['issues:write'] },
      ],
    });
    await expect(bot.redeem(await idJag({ groups: ['engineering'] }))).resolves.toMatchObject({
      body: { scope: 'issues:read' },
    });
    await expect(bot.redeem(await idJag({ roles: ['admin'] }))).resolves.toMatchObject({
      body: { scope: 'issues:write' },
    });
    await expect(bot.redeem(await idJag())).resolves.toMatchObject({ body: { error: 'invalid_scope' } });
  });
});

describe('the account', () => {
  const claims = { email: 'ann@acme.example', email_verified: true };
  const directory = () => {
    const links = new Map<string, string>();
    return linkAccounts({
      bySubject: (key) => links.get(JSON.stringify(key)),
      byEmail: (email) => (email === claims.email ? 'account-7' : undefined),
      link: (key, accountId) => Boolean(links.set(JSON.stringify(key), accountId)),
    });
  };

  it('is not found by address where the issuer was not opted in', async () => {
    const bot = await start({ account: directory() });
    await expect(bot.redeem(await idJag(claims))).resolves.toMatchObject({ body: { error: 'invalid_grant' } });
    expect(world.redeemed).toMatchObject([{ granted: false, reason: 'the subject has no account here' }]);
  });

  it('is found by address where it was, by subject from then on, and the record says how', async () => {
    const keys = await createSigningKeys();
    const issuer = 'https://acme.example';
    const bot = await start({
      account: directory(),
      issuers: { [issuer]: { jwks: keys.publicJwks(), linkByEmail: { domains: ['acme.example'] } } },
    });
    const signed = async (more: Record<string, unknown>) =>
      keys.sign({ ...decodeJwt(await idJag(more)), iss: issuer }, { typ: 'oauth-id-jag+jwt' });
    for (const more of [claims, {}]) {
      await expect(bot.redeem(await signed(more))).resolves.toMatchObject({ status: 200 });
    }
    expect(world.redeemed).toMatchObject([
      { accountId: 'account-7', linkedBy: 'email' },
      { accountId: 'account-7', linkedBy: 'subject' },
    ]);
  });
});

describe('a resource that takes only bound tokens', () => {
  it('is refused to a client without a proof', async () => {
    const bot = await start({ resources: { [OPAQUE_RESOURCE]: { scopes: ['issues:read'], requireDpop: true } } });
    await expect(bot.redeem(await idJag())).resolves.toMatchObject({ body: { error: 'invalid_grant' } });
  });
});

describe('a client of a tenant', () => {
  it('can redeem for its own tenant only', async () => {
    const bot = await start({ tenantOfClient: (clientId) => (clientId === 'bot-at-as' ? 'acme' : undefined) });
    await expect(bot.redeem(await idJag({ aud_tenant: 'acme' }))).resolves.toMatchObject({ status: 200 });
    await expect(bot.redeem(await idJag({ aud_tenant: 'other' }))).resolves.toMatchObject({
      body: { error: 'invalid_grant' },
    });
    expect(world.redeemed.at(-1)).toMatchObject({ reason: 'wrong_audience_tenant: aud_tenant other', subject: 'ann' });
  });
});
