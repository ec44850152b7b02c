import { createSigningKeys, type SigningAlgorithm, type SigningKeys } from '@credence/identity-provider';
import { type IdJag, memoryReplayStore, type TrustedIssuer } from '@credence/protocol';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { checkAudienceTenants, checkIssuers } from './trusted-issuers.ts';
import { verifyIdJag } from './verify.ts';

const AS = 'https://as.example';
const ACME = 'https://acme.example';
const SHARED = 'https://login.example/shared';

let acme: SigningKeys;
let shared: SigningKeys;

beforeAll(async () => {
  [acme, shared] = await Promise.all([
    createSigningKeys({ algorithms: ['ES256', 'EdDSA'] }),
    createSigningKeys({ algorithms: ['EdDSA', 'ES256'] }),
  ]);
});

interface Signed {
  readonly keys?: SigningKeys;
  readonly algorithm?: SigningAlgorithm;
  readonly trust?: Readonly<Record<string, TrustedIssuer>>;
  readonly audienceTenant?: string;
}

/** Signs an ID-JAG with valid claims, of which `claims` replaces some, and verifies it. */
async function verify(claims: Record<string, unknown>, more: Signed = {}): Promise<IdJag> {
  const iat = Math.floor(Date.now() / 1000);
  const good = { iss: ACME, sub: 'bot-7', aud: AS, client_id: 'c', jti: 'j', iat, exp: iat + 60 };
  const assertion = await (more.keys ?? acme).sign(
    { ...good, ...claims },
    { typ: 'oauth-id-jag+jwt', algorithm: more.algorithm },
  );
  return verifyIdJag(assertion, {
    issuers: more.trust ?? { [ACME]: { jwks: acme.publicJwks() } },
    audience: AS,
    clientId: 'c',
    audienceTenant: more.audienceTenant,
  });
}

describe('several issuers', () => {
  const trust = () => ({
    [ACME]: { jwks: acme.publicJwks(), algorithms: ['ES256'] },
    [SHARED]: { jwks: shared.publicJwks(), algorithms: ['Ed25519'], claims: { groups: ['realm', 'groups'] } },
  });

  it('each have their own keys, algorithms and claim names', async () => {
    await expect(verify({ groups: ['a'] }, { trust: trust() })).resolves.toMatchObject({ groups: ['a'] });
    await expect(
      verify({ iss: SHARED, groups: ['a'], realm: { groups: ['b', 'b'] } }, { trust: trust(), keys: shared }),
    ).resolves.toMatchObject({ groups: ['b'] });
  });

  it('are refused if an ID-JAG of one is signed with a key of another', async () => {
    await expect(verify({ iss: SHARED }, { trust: trust(), algorithm: 'EdDSA' })).rejects.toMatchObject({
      code: 'unknown_key',
    });
    await expect(verify({}, { trust: trust(), keys: shared, algorithm: 'ES256' })).rejects.toMatchObject({
      code: 'unknown_key',
    });
  });

  it('cannot use each other’s algorithms', async () => {
    await expect(verify({}, { trust: trust(), algorithm: 'EdDSA' })).rejects.toMatchObject({
      code: 'algorithm_not_allowed',
    });
  });
});

describe('a multi-tenant issuer', () => {
  const trust = (tenants: TrustedIssuer['tenants']) => ({ [ACME]: { jwks: acme.publicJwks(), tenants } });

  it('is accepted for the configured tenants', async () => {
    await expect(verify({ tenant: 'a' }, { trust: trust(['a', 'b']) })).resolves.toMatchObject({ tenant: 'a' });
    await expect(verify({ tenant: 'z' }, { trust: trust('any') })).resolves.toMatchObject({ tenant: 'z' });
  });

  it.each([
    ['another tenant', 'z'],
    ['no tenant', undefined],
    ['a tenant in upper case', 'A'],
    ['an empty tenant', ''],
  ])('is refused for %s', async (_name, tenant) => {
    await expect(verify({ ...(tenant !== undefined && { tenant }) }, { trust: trust(['a']) })).rejects.toMatchObject({
      code: tenant === '' ? 'invalid_claim' : 'wrong_tenant',
      oauthError: 'invalid_grant',
    });
  });

  it("must name a tenant even if tenants is 'any'", async () => {
    await expect(verify({}, { trust: trust('any') })).rejects.toMatchObject({ code: 'wrong_tenant' });
  });
});

describe('tenants of the authorization server', () => {
  const trust = () => ({ [ACME]: { jwks: acme.publicJwks(), audienceTenants: ['acme'] } });

  it('must be in audienceTenants of the issuer', async () => {
    await expect(verify({ aud_tenant: 'acme', aud_sub: 'u1' }, { trust: trust() })).resolves.toMatchObject({
      audienceTenant: 'acme',
      audienceSubject: 'u1',
    });
    for (const claims of [{ aud_tenant: 'other' }, {}]) {
      await expect(verify(claims, { trust: trust() })).rejects.toMatchObject({ code: 'wrong_audience_tenant' });
    }
  });

  it('must equal the tenant of the client, for a client that has a tenant', async () => {
    await expect(verify({ aud_tenant: 'acme' }, { trust: trust(), audienceTenant: 'acme' })).resolves.toMatchObject({
      audienceTenant: 'acme',
    });
    for (const claims of [{ aud_tenant: 'other' }, {}]) {
      await expect(verify(claims, { trust: trust(), audienceTenant: 'acme' })).rejects.toMatchObject({
        code: 'wrong_audience_tenant',
      });
    }
    await expect(verify({ aud_tenant: 'acme' }, { trust: trust(), audienceTenant: 'other' })).rejects.toMatchObject({
      code: 'wrong_audience_tenant',
    });
  });

  it('are refused from an issuer without audienceTenants', async () => {
    for (const claims of [{ aud_tenant: 'acme' }, {}]) {
      await expect(verify(claims, { audienceTenant: 'acme' })).rejects.toMatchObject({ code: 'wrong_audience_tenant' });
    }
    expect(() => checkAudienceTenants('test', { ...trust(), [SHARED]: {} })).toThrow(`issuers["${SHARED}"]`);
    expect(() => checkAudienceTenants('test', trust())).not.toThrow();
  });
});

describe('an email address', () => {
  const address = { email: 'Ann@Acme.Example', email_verified: true };
  const trust = (linkByEmail?: TrustedIssuer['linkByEmail']) => ({ [ACME]: { jwks: acme.publicJwks(), linkByEmail } });
  const verifiedEmail = async (claims: Record<string, unknown>, linking?: TrustedIssuer['linkByEmail']) =>
    (await verify(claims, { trust: trust(linking) })).verifiedEmail;

  it('is verified if linkByEmail lists its domain and email_verified is true', async () => {
    await expect(verifiedEmail(address, { domains: ['acme.example'] })).resolves.toBe('Ann@acme.example');
    await expect(
      verifiedEmail({ email: 'a@acme.example' }, { domains: ['ACME.example'], withoutEmailVerified: true }),
    ).resolves.toBe('a@acme.example');
  });

  it.each<[string, Record<string, unknown>, TrustedIssuer['linkByEmail']]>([
    ['the issuer has no linkByEmail', address, undefined],
    ['its domain is not listed', address, { domains: ['other.example'] }],
    ['it is in a subdomain', { ...address, email: 'a@x.acme.example' }, { domains: ['acme.example'] }],
    ['email_verified is missing', { email: 'a@acme.example' }, { domains: ['acme.example'] }],
    [
      'email_verified is false',
      { ...address, email_verified: false },
      { domains: ['acme.example'], withoutEmailVerified: true },
    ],
  ])('is not verified if %s', async (_name, claims, linking) => {
    await expect(verifiedEmail(claims, linking)).resolves.toBeUndefined();
  });

  it('is verified only in the tenant that its domain belongs to', async () => {
    const ceo = { email: 'ceo@acme.example', email_verified: true };
    for (const tenants of [['acme', 'evil'], 'any'] as const) {
      const linkByEmail = { domains: { acme: ['acme.example'] } };
      const trust = { [ACME]: { jwks: acme.publicJwks(), tenants, linkByEmail } };
      const of = async (tenant: string) => (await verify({ ...ceo, tenant }, { trust })).verifiedEmail;
      await expect(of('acme')).resolves.toBe('ceo@acme.example');
      await expect(of('evil')).resolves.toBeUndefined();
    }
    // Without domains by tenant, the administrator of any tenant could assign this address.
    const trust = {
      [ACME]: { jwks: acme.publicJwks(), tenants: ['acme', 'evil'], linkByEmail: { domains: ['acme.example'] } },
    };
    await expect(verify({ ...ceo, tenant: 'evil' }, { trust })).rejects.toThrow('for each tenant');
  });

  it.each(['a@b@acme.example', 'a b@acme.example', 'a@acme.example\u200b', '@acme.example', 'a@'])(
    'is refused if it is malformed: %j',
    async (email) => {
      await expect(verify({ email, email_verified: true })).rejects.toMatchObject({ code: 'invalid_claim' });
    },
  );
});

describe('a replay store', () => {
  it('that fails causes replay_unknown without the message of its error', async () => {
    const iat = Math.floor(Date.now() / 1000);
    const claims = { iss: ACME, sub: 's', aud: AS, client_id: 'c', jti: 'j', iat, exp: iat + 60 };
    const assertion = await acme.sign(claims, { typ: 'oauth-id-jag+jwt' });
    const options = { issuers: { [ACME]: { jwks: acme.publicJwks() } }, audience: AS, clientId: 'c' };
    const failure: unknown = await verifyIdJag(assertion, {
      ...options,
      replay: { singleUse: { reserve: () => Promise.reject(new Error('redis://:secret@host')) } },
    }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'replay_unknown', oauthError: 'temporarily_unavailable' });
    expect(JSON.stringify(failure)).not.toContain('secret');
    await expect(
      verifyIdJag(assertion, { ...options, replay: { singleUse: memoryReplayStore() } }),
    ).resolves.toMatchObject({ jwtId: 'j' });
  });
});

describe('checkIssuers', () => {
  it.each<[string, unknown, string]>([
    ['no issuer', {}, 'issuers is empty'],
    ['a list', [ACME], 'issuers is not an object'],
    ['a string', ACME, 'issuers is not an object'],
    ['an issuer that is undefined', { [ACME]: undefined }, 'expected object'],
    ['the server itself', { [AS]: {} }, 'of itself'],
    ['an issuer with plain http', { 'http://idp.example': {} }, 'neither https'],
    ['a jwksUri with plain http', { [ACME]: { jwksUri: 'http://idp.example/jwks' } }, 'neither https'],
    [
      'a jwks that is not a key set',
      { [ACME]: { jwks: {} } },
      `issuers["${ACME}"].jwks: the document is not a key set`,
    ],
    ['a string as algorithms', { [ACME]: { algorithms: 'ES256' } }, 'at algorithms'],
    ['a string as tenants', { [ACME]: { tenants: 'acme' } }, 'at tenants'],
    ['an empty list of tenants', { [ACME]: { tenants: [] } }, 'at tenants'],
    ['an issuer with a fragment', { [`${ACME}#x`]: {} }, 'has a query or a fragment'],
    ['an issuer with a query', { [`${ACME}?tenant=t`]: {} }, 'has a query or a fragment'],
    ['an unknown member', { [ACME]: { algoritms: ['ES256'] } }, 'Unrecognized key: "algoritms"'],
    ['an unknown member of claims', { [ACME]: { claims: { group: 'g' } } }, 'Unrecognized key: "group"'],
    [
      'an unknown member of linkByEmail',
      { [ACME]: { linkByEmail: { domains: ['a.example'], verified: true } } },
      'Unrecognized key: "verified"',
    ],
    [
      'a string as withoutEmailVerified',
      { [ACME]: { linkByEmail: { domains: ['a.example'], withoutEmailVerified: 'false' } } },
      'at linkByEmail.withoutEmailVerified',
    ],
    ['a string as audienceTenants', { [ACME]: { audienceTenants: 'acme' } }, 'at audienceTenants'],
    ['an empty list of domains', { [ACME]: { linkByEmail: { domains: [] } } }, 'at linkByEmail.domains'],
    ['a string as domains', { [ACME]: { linkByEmail: { domains: 'acme.example' } } }, 'at linkByEmail.domains'],
    [
      'domains without a tenant',
      { [ACME]: { tenants: 'any', linkByEmail: { domains: {} } } },
      'linkByEmail.domains is empty',
    ],
    [
      'the same domains for every tenant',
      { [ACME]: { tenants: 'any', linkByEmail: { domains: ['acme.example'] } } },
      'for each tenant',
    ],
    [
      'domains of a tenant that is not accepted',
      { [ACME]: { tenants: ['a'], linkByEmail: { domains: { b: ['acme.example'] } } } },
      'names the tenant b',
    ],
    [
      'domains by tenant for an issuer without tenants',
      { [ACME]: { linkByEmail: { domains: { a: ['acme.example'] } } } },
      'names the tenant a',
    ],
  ])('refuses %s', (_name, issuers, message) => {
    const check = () => checkIssuers('test', issuers as Record<string, TrustedIssuer>, AS);
    expect(check).toThrow(TypeError);
    expect(check).toThrow(message);
  });
});

describe('verifyIdJag', () => {
  it.each<[string, object, string]>([
    ['the server itself as issuer', { issuers: { [AS]: {} } }, 'of itself'],
    ['a jwksUri with plain http', { issuers: { [ACME]: { jwksUri: 'http://idp.example/jwks' } } }, 'neither https'],
    ['NaN as clockToleranceSeconds', { clockToleranceSeconds: Number.NaN }, 'clockToleranceSeconds'],
    ['a string as clockToleranceSeconds', { clockToleranceSeconds: '5' }, 'clockToleranceSeconds'],
    ['NaN as maxLifetimeSeconds', { maxLifetimeSeconds: Number.NaN }, 'maxLifetimeSeconds'],
    ['a string as resources', { resources: 'https://mcp.example' }, 'resources is not a list'],
    ['an unknown replay policy', { replay: 'single-use' }, 'replay'],
    ['a store as replay policy', { replay: memoryReplayStore() }, 'replay'],
    ['a singleUse that is not a store', { replay: { singleUse: new Map() } }, 'replay.singleUse'],
  ])('throws a TypeError for %s before it reads the assertion', async (_name, more, option) => {
    const options = { issuers: { [ACME]: { jwks: acme.publicJwks() } }, audience: AS, clientId: 'c', ...more };
    const refused = verifyIdJag('x', options);
    await expect(refused).rejects.toThrow(TypeError);
    await expect(refused).rejects.toThrow(option);
  });
});
