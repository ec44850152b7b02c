import { GRANT_JWT_BEARER, memoryReplayStore } from '@credence/protocol';
import { createSigningKeys, type SigningKeys } from '@credence/identity-provider';
import { accessTokenVerifier, callerOf } from '@credence/resource-server';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import { Provider } from '../../../../test/support/oidc-provider.ts';
import { Bot } from '../../../../test/support/roles/bot.ts';
import { dpopProof, signIdJag } from '../../../../test/support/roles/tokens.ts';
import {
  AS_SECRET,
  JWT_RESOURCE,
  OPAQUE_RESOURCE,
  RS_SECRET,
  startWorld,
  type World,
} from '../../../../test/support/roles/world.ts';
import { linkAccounts } from './accounts.ts';
import type { RedeemAuditRecord } from './audit.ts';
import type { IdJagGrantOptions } from './options.ts';
import { addIdJagGrant } from '../provider/add-id-jag-grant.ts';

let world: World;

afterEach(() => world.close());

async function start(redeem: Partial<IdJagGrantOptions> = {}): Promise<Bot> {
  world = await startWorld({ redeem });
  return new Bot(world);
}

const SCOPE = 'issues:read issues:write';

/** An ID-JAG signed with the IdP's key, with claims that its policy would not issue. */
function idJag(claims: Record<string, unknown> = {}, keys: SigningKeys = world.signingKeys): Promise<string> {
  const [iss, aud] = [world.idp.issuer, world.as.issuer];
  const good = { iss, sub: 'ann', aud, client_id: 'bot-at-as', resource: OPAQUE_RESOURCE, scope: SCOPE };
  return signIdJag(keys, { ...good, ...claims });
}

const DETAILS = [{ type: 'issue', actions: ['close'], locations: [OPAQUE_RESOURCE] }];
const resources: IdJagGrantOptions['resources'] = {
  [OPAQUE_RESOURCE]: { scopes: ['issues:read', 'issues:write'], authorizationDetailsTypes: ['issue'] },
  [JWT_RESOURCE]: {
    scopes: ['docs:read'],
    authorizationDetailsTypes: ['issue'],
    accessTokenFormat: 'jwt',
    accessTokenAlgorithm: 'ES256',
  },
};

describe('the claims about the caller', () => {
  it('act, groups and roles are in the introspection response', async () => {
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

  it('from tokenClaims are in the JWT', async () => {
    const bot = await start({ tokenClaims: ({ claims }) => ({ department: claims['department'] }) });
    const assertion = await idJag({ resource: JWT_RESOURCE, department: 'it', groups: ['x'] });
    const { body } = await bot.redeem(assertion);
    const claims = decodeJwt(String(body['access_token']));
    expect(claims).toMatchObject({ department: 'it', sub: `${world.idp.issuer}#ann` });
    expect(claims).not.toHaveProperty('groups');
  });

  it('from tokenClaims must not replace a reserved claim', async () => {
    const bot = await start({ tokenClaims: () => ({ sub: 'admin' }) });
    await expect(bot.redeem(await idJag())).resolves.toMatchObject({ body: { error: 'server_error' } });
    expect(world.redeemed).toMatchObject([{ granted: false, error: 'server_error' }]);
  });

  it('cause a server_error that names extraTokenClaims if the provider does not add them', async () => {
    const bot = await start();
    // This provider has no extraTokenClaims, because it does not use idJagAuthorizationServerConfiguration.
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
    const reasons: { reason: unknown }[] = [];
    addIdJagGrant(provider, {
      issuers: { [world.idp.issuer]: {} },
      resources,
      audit: ({ reason }) => reasons.push({ reason }),
    });
    const callback = provider.callback();
    world.as.server.serve((request, response) => void callback(request, response));
    await expect(bot.redeem(await idJag())).resolves.toMatchObject({ status: 200 });
    await expect(bot.redeem(await idJag({ groups: ['g'] }))).resolves.toMatchObject({
      body: { error: 'server_error' },
    });
    expect(reasons).toEqual([
      { reason: undefined },
      { reason: expect.stringContaining('extraTokenClaims: idJagTokenClaims') },
    ]);
  });
});

describe('authorization_details', () => {
  it.each([OPAQUE_RESOURCE, JWT_RESOURCE])(
    'are in the token response and the access token for %s',
    async (resource) => {
      const bot = await start({ resources });
      const details = [{ ...DETAILS[0], locations: [resource] }];
      const assertion = await idJag({ authorization_details: details, resource, scope: undefined });
      const { status, body } = await bot.redeem(assertion);
      expect({ status, details: body['authorization_details'] }).toEqual({ status: 200, details });
      const token = String(body['access_token']);
      const claims = resource === JWT_RESOURCE ? decodeJwt(token) : await bot.introspect(token);
      expect(claims).toMatchObject({ authorization_details: details });
      expect(world.redeemed).toMatchObject([{ granted: true, grantedDetailsTypes: ['issue'], grantedScopes: [] }]);
    },
  );

  it('of a type that the resource does not know are not granted, and alone cause invalid_scope', async () => {
    const bot = await start({ resources });
    const assertion = await idJag({ authorization_details: [{ type: 'payroll' }] });
    const { body } = await bot.redeem(assertion);
    expect(body).toMatchObject({ scope: 'issues:read issues:write' });
    expect(body).not.toHaveProperty('authorization_details');
    const alone = await idJag({ authorization_details: [{ type: 'payroll' }], scope: undefined });
    await expect(bot.redeem(alone)).resolves.toMatchObject({ body: { error: 'invalid_scope' } });
  });

  it('can be restricted by authorizationDetailsFor, which must not add a type', async () => {
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

describe('scopesFor', () => {
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
    const other = await idJag({ groups: ['sales', 'eng\nineering'] });
    await expect(bot.redeem(other)).resolves.toMatchObject({ body: { error: 'invalid_scope' } });
    expect(world.redeemed.at(-1)).toMatchObject({
      reason: 'scopesFor allows nothing for the subject (groups: sales, eng ineering; roles: none)',
    });
  });
});

describe('a callback', () => {
  const TABLE: Record<string, string[]> = {};
  const none = (() => null) as unknown as () => string;
  it.each<[string, Partial<IdJagGrantOptions>, string]>([
    // The type of a lookup that fails, if noUncheckedIndexedAccess is not set.
    [
      'scopesFor that returns null',
      { scopesFor: ({ subject }) => TABLE[subject] as string[] },
      'scopesFor returned no list of scopes',
    ],
    [
      'scopesFor that returns a string',
      { scopesFor: (() => 'issues:readonly') as unknown as () => string[] },
      'scopesFor returned no list of scopes',
    ],
    ['scopesFor that returns a list with null', { scopesFor: () => [none()] }, 'scopesFor returned no list of scopes'],
    [
      'authorizationDetailsFor that returns nothing',
      { authorizationDetailsFor: none as unknown as () => [] },
      'authorizationDetailsFor returned no list of authorization_details',
    ],
    [
      'tokenClaims that returns nothing',
      { tokenClaims: none as unknown as () => object as never },
      'tokenClaims returned no claims',
    ],
    [
      'account that returns a number',
      { account: () => 7 as unknown as string },
      "account returned something else than an account's id",
    ],
    [
      'account that throws',
      { account: () => Promise.reject(new RangeError('password of the database')) },
      'account failed: RangeError',
    ],
    [
      'audit that rejects',
      { audit: ({ granted }) => (granted ? Promise.reject(new Error()) : Promise.resolve()) },
      'audit failed: Error',
    ],
  ])('%s causes a server_error', async (_name, redeem, reason) => {
    const records: RedeemAuditRecord[] = [];
    const audit = async (record: RedeemAuditRecord) => {
      records.push(record);
      await redeem.audit?.(record);
    };
    const bot = await start({ resources, ...redeem, audit });
    const causes: unknown[] = [];
    world.as.provider.on('server_error', (_ctx, error) => causes.push(error.cause));
    await expect(bot.redeem(await idJag({ authorization_details: DETAILS }))).resolves.toEqual({
      status: 500,
      body: { error: 'server_error', error_description: 'the request failed' },
    });
    expect(records.filter(({ granted }) => !granted)).toMatchObject([{ error: 'server_error', reason }]);
    expect(causes).toEqual([reason.includes('failed') ? expect.any(Error) : undefined]);
  });

  it.each([undefined, null, { accountId: undefined, linkedBy: 'subject' }])(
    'account that returns %j causes invalid_grant',
    async (none) => {
      const bot = await start({ account: () => none as undefined });
      await expect(bot.redeem(await idJag())).resolves.toMatchObject({ body: { error: 'invalid_grant' } });
    },
  );
});

describe('a single-use ID-JAG', () => {
  const once = (account: IdJagGrantOptions['account']) =>
    start({ account, replay: { singleUse: memoryReplayStore() } });

  it('causes one new account if it is sent ten times at once', async () => {
    let provisioned = 0;
    const links = new Map<string, string>();
    const bot = await once(
      linkAccounts({
        bySubject: ({ subject }) => links.get(subject),
        provision: async () => {
          await Promise.resolve();
          provisioned += 1;
          return `account-${provisioned}`;
        },
        link: ({ subject }, accountId) => Boolean(links.set(subject, accountId)),
      }),
    );
    const assertion = await idJag();
    const answers = await Promise.all(Array.from({ length: 10 }, () => bot.redeem(assertion)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    links.clear();
    await expect(bot.redeem(assertion)).resolves.toMatchObject({ body: { error: 'invalid_grant' } });
    expect({ provisioned, linked: links.size }).toEqual({ provisioned: 1, linked: 0 });
    expect(world.redeemed.at(-1)).toMatchObject({ reason: 'replayed', subject: 'ann' });
  });

  it('is refused the second time even if the account callback ignores the rejection of spend', async () => {
    const bot = await once(async (_idJag, { spend }) => {
      void spend();
      await spend().catch(() => undefined);
      return 'account-7';
    });
    const assertion = await idJag();
    await expect(bot.redeem(assertion)).resolves.toMatchObject({ status: 200 });
    await expect(bot.redeem(assertion)).resolves.toMatchObject({ body: { error: 'invalid_grant' } });
    expect(world.redeemed.at(-1)).toMatchObject({ reason: 'replayed' });
  });

  it('is not marked as used for a subject without an account', async () => {
    let known = false;
    const bot = await once(() => (known ? 'account-7' : undefined));
    const assertion = await idJag();
    await expect(bot.redeem(assertion)).resolves.toMatchObject({ body: { error: 'invalid_grant' } });
    known = true;
    await expect(bot.redeem(assertion)).resolves.toMatchObject({ status: 200 });
  });

  it('is not marked as used by a request with a used DPoP proof', async () => {
    await once(async (_idJag, { spend }) => {
      await spend();
      return 'account-7';
    });
    const proof = await dpopProof(`${world.as.issuer}/token`);
    const send = async (assertion: string, dpop: Record<string, string>) => {
      const authorization = `Basic ${Buffer.from(`bot-at-as:${AS_SECRET}`).toString('base64')}`;
      const body = new URLSearchParams({ grant_type: GRANT_JWT_BEARER, assertion });
      return fetch(`${world.as.issuer}/token`, { method: 'POST', headers: { authorization, ...dpop }, body });
    };
    expect((await send(await idJag(), { dpop: proof })).status).toBe(200);
    const assertion = await idJag();
    expect((await send(assertion, { dpop: proof })).status).toBe(400);
    expect(world.redeemed.at(-1)).toMatchObject({ reason: 'DPoP proof JWT Replay detected' });
    expect((await send(assertion, {})).status).toBe(200);
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

  it('is not found by the email address if the issuer has no linkByEmail', async () => {
    const bot = await start({ account: directory() });
    await expect(bot.redeem(await idJag(claims))).resolves.toMatchObject({ body: { error: 'invalid_grant' } });
    expect(world.redeemed).toMatchObject([{ granted: false, reason: 'the subject has no account here' }]);
  });

  it('is found by the email address first and then by the subject, and the record contains how', async () => {
    const keys = await createSigningKeys();
    const issuer = 'https://acme.example';
    const bot = await start({
      account: directory(),
      issuers: { [issuer]: { jwks: keys.publicJwks(), linkByEmail: { domains: ['acme.example'] } } },
    });
    const signed = (more: Record<string, unknown>) => idJag({ ...more, iss: issuer }, keys);
    for (const more of [claims, {}]) {
      await expect(bot.redeem(await signed(more))).resolves.toMatchObject({ status: 200 });
    }
    expect(world.redeemed).toMatchObject([
      { accountId: 'account-7', linkedBy: 'email' },
      { accountId: 'account-7', linkedBy: 'subject' },
    ]);
  });
});

describe('a resource with requireDpop', () => {
  it('is refused to a client without a proof', async () => {
    const bot = await start({ resources: { [OPAQUE_RESOURCE]: { scopes: ['issues:read'], requireDpop: true } } });
    await expect(bot.redeem(await idJag())).resolves.toMatchObject({ body: { error: 'invalid_grant' } });
  });
});

describe('tenants', () => {
  const issuer = 'https://acme.example';
  let keys: SigningKeys;
  beforeAll(async () => {
    keys = await createSigningKeys();
  });
  const startWith = (redeem: Partial<IdJagGrantOptions>, tenants?: string[]) =>
    start({
      ...redeem,
      issuers: { [issuer]: { jwks: keys.publicJwks(), tenants, audienceTenants: ['red', 'blue'] } },
    });
  const redeemed = async (bot: Bot, claims: Record<string, string>) =>
    bot.redeem(await idJag({ iss: issuer, ...claims }, keys));

  it('are part of the account id and are claims of the access token', async () => {
    const bot = await startWith({}, ['one', 'two']);
    for (const claims of [
      { tenant: 'one', aud_tenant: 'red' },
      { tenant: 'two', aud_tenant: 'blue' },
    ]) {
      const { body } = await redeemed(bot, claims);
      await expect(bot.introspect(String(body['access_token']))).resolves.toMatchObject({
        sub: `${issuer}?tenant=${claims.tenant}&aud_tenant=${claims.aud_tenant}#ann`,
        ...claims,
      });
    }
  });

  it('of a client restrict it to ID-JAGs for its own tenant', async () => {
    const bot = await startWith({ tenantOfClient: (clientId) => (clientId === 'bot-at-as' ? 'red' : undefined) });
    await expect(redeemed(bot, { aud_tenant: 'red' })).resolves.toMatchObject({ status: 200 });
    await expect(redeemed(bot, { aud_tenant: 'blue' })).resolves.toMatchObject({ body: { error: 'invalid_grant' } });
    expect(world.redeemed.at(-1)).toMatchObject({
      code: 'wrong_audience_tenant',
      reason: expect.stringContaining('blue'),
      subject: 'ann',
    });
  });

  it.each([undefined, null])(
    'are required of a client: tenantOfClient that returns %s refuses every ID-JAG',
    async (none) => {
      const bot = await startWith({ tenantOfClient: () => none });
      await expect(redeemed(bot, { aud_tenant: 'red' })).resolves.toMatchObject({ body: { error: 'invalid_grant' } });
      expect(world.redeemed).toMatchObject([
        { code: 'wrong_audience_tenant', reason: 'wrong_audience_tenant: the client belongs to no tenant' },
      ]);
    },
  );

  it('are refused, as subjects are, if they contain an unpaired surrogate', async () => {
    const bot = await startWith({}, ['\uD800']);
    for (const half of [{ tenant: '\uD800' }, { tenant: 'one', sub: '\uDFFF' }]) {
      await expect(redeemed(bot, { ...half, aud_tenant: 'red' })).resolves.toMatchObject({
        status: 400,
        body: { error: 'invalid_grant' },
      });
    }
  });

  it.each(['', 7, ['red']])('must be strings: tenantOfClient that returns %j causes a server_error', async (odd) => {
    const bot = await startWith({ tenantOfClient: () => odd as string });
    await expect(redeemed(bot, { aud_tenant: 'red' })).resolves.toMatchObject({ status: 500 });
    expect(world.redeemed).toMatchObject([{ reason: 'tenantOfClient returned a value that is not a tenant' }]);
  });

  it('cause a server_error if tenantOfClient rejects', async () => {
    const bot = await startWith({ tenantOfClient: () => Promise.reject(new TypeError('password of the database')) });
    await expect(redeemed(bot, { aud_tenant: 'red' })).resolves.toMatchObject({ status: 500 });
    expect(world.redeemed).toMatchObject([{ reason: 'tenantOfClient failed: TypeError' }]);
  });
});
