import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { type Loopback, loopback } from '../../../../test/support/roles/loopback.ts';
import { type AccessTokenVerifierOptions, accessTokenVerifier, type JwtOptions } from './access-token-verifier.ts';
import type { AccessTokenInfo } from './auth-info.ts';
import type { AccessRefusal, OnRefused, TokenRefusal } from './refusals.ts';

const RESOURCE = 'https://mcp.example/mcp';
const TENANT = '72f988bf-86f1-41af-91ab-2d7cd011db47';
const API = '6e74172b-be56-4843-9ff4-e66a39bb12e3';
const BOT = '0c5d2f7a-1c1b-4b7e-8f19-9a1d5cf9a111';
const SUBJECT = 'b1b2c3d4-0000-4000-8000-1234567890ab';

type Claims = Record<string, unknown>;
interface Vendor {
  readonly issuer: string;
  /** The header of its tokens, besides `alg` and `kid`. */
  readonly header: Record<string, unknown>;
  readonly jwt: Omit<JwtOptions, 'jwksUri'>;
  /** An access token in the documented form. */
  readonly accessToken: Claims;
  /** An ID token in the documented form, for the same client, or for the API if both are one registration. */
  readonly idToken: Claims;
  readonly clientId: string;
  readonly scopes: readonly string[];
}

const now = Math.floor(Date.now() / 1000);
const times = { iat: now, nbf: now, exp: now + 3600 };

const vendors: Record<string, Vendor> = {
  'Entra v2, an application': {
    issuer: `https://login.microsoftonline.com/${TENANT}/v2.0`,
    header: { typ: 'JWT' },
    jwt: { types: ['JWT'], audience: API, claims: { scope: ['scp', 'roles'], clientId: ['azp'] } },
    accessToken: {
      ...times,
      aud: API,
      aio: 'ASQA2/8TAAAA',
      azp: BOT,
      azpacr: '2',
      idtyp: 'app',
      oid: SUBJECT,
      rh: '0.AXkA',
      roles: ['issues.read', 'issues.write'],
      sub: SUBJECT,
      tid: TENANT,
      uti: 'bR2b',
      ver: '2.0',
    },
    idToken: {
      ...times,
      aud: API,
      name: 'Ada',
      oid: SUBJECT,
      roles: ['issues.read'],
      sub: SUBJECT,
      tid: TENANT,
      ver: '2.0',
    },
    clientId: BOT,
    scopes: ['issues.read', 'issues.write'],
  },
  'Entra v1, on behalf of a user': {
    issuer: `https://sts.windows.net/${TENANT}/`,
    header: { typ: 'JWT', x5t: 'nOo3ZDrODXEK1jKWhXslHR_KXEg' },
    jwt: {
      types: ['JWT'],
      audience: ['api://issues', API],
      claims: { scope: ['scp', 'roles'], clientId: ['azp', 'appid'] },
    },
    accessToken: {
      ...times,
      aud: 'api://issues',
      acr: '1',
      amr: ['pwd', 'mfa'],
      appid: BOT,
      appidacr: '1',
      name: 'Ada',
      oid: SUBJECT,
      scp: 'issues.read user_impersonation',
      sub: 'OqYPEWFr',
      tid: TENANT,
      unique_name: 'ada@acme.example',
      ver: '1.0',
    },
    idToken: { ...times, aud: API, amr: ['pwd'], name: 'Ada', oid: SUBJECT, sub: 'OqYPEWFr', tid: TENANT, ver: '1.0' },
    clientId: BOT,
    scopes: ['issues.read', 'user_impersonation'],
  },
  Okta: {
    issuer: 'https://acme.okta.com/oauth2/default',
    header: {},
    jwt: { types: ['absent'], audience: 'api://default', claims: { scope: ['scp'], clientId: ['cid'] } },
    accessToken: {
      ...times,
      aud: 'api://default',
      cid: '0oab8eb55Kb9jdMIr5d6',
      jti: 'AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE',
      scp: ['issues.read', 'issues.write'],
      sub: '0oab8eb55Kb9jdMIr5d6',
      ver: 1,
    },
    idToken: {
      ...times,
      aud: '0oab8eb55Kb9jdMIr5d6',
      cid: '0oab8eb55Kb9jdMIr5d6',
      jti: 'ID.4eAWJOCMB3SX8XewDfVR',
      auth_time: now,
      at_hash: 'cpqKfdQA5eH891Ff5oJr_Q',
      amr: ['pwd'],
      idp: '00ok1u7AsAkrwdZL3z0g3',
      sub: '00uid4BxXw6I6TV4m0g3',
      ver: 1,
    },
    clientId: '0oab8eb55Kb9jdMIr5d6',
    scopes: ['issues.read', 'issues.write'],
  },
  Auth0: {
    issuer: 'https://acme.eu.auth0.com/',
    header: { typ: 'JWT' },
    jwt: {
      types: ['JWT', 'at+jwt'],
      audience: 'https://issues.example/api',
      claims: { clientId: ['azp', 'client_id'] },
    },
    accessToken: {
      ...times,
      aud: ['https://issues.example/api', 'https://acme.eu.auth0.com/userinfo'],
      azp: 'mYB0tCl1ent',
      gty: 'client-credentials',
      scope: 'issues:read issues:write',
      sub: 'mYB0tCl1ent@clients',
    },
    idToken: { ...times, aud: 'mYB0tCl1ent', nonce: 'n', nickname: 'ada', sid: 's', sub: 'auth0|1' },
    clientId: 'mYB0tCl1ent',
    scopes: ['issues:read', 'issues:write'],
  },
  'Auth0 with the profile of RFC 9068': {
    issuer: 'https://acme.eu.auth0.com/',
    header: { typ: 'at+jwt' },
    jwt: {
      types: ['JWT', 'at+jwt'],
      audience: 'https://issues.example/api',
      claims: { clientId: ['azp', 'client_id'] },
    },
    accessToken: {
      ...times,
      aud: 'https://issues.example/api',
      client_id: 'mYB0tCl1ent',
      jti: 'a1',
      scope: 'issues:read',
      sub: 'mYB0tCl1ent@clients',
    },
    idToken: { ...times, aud: 'mYB0tCl1ent', nonce: 'n', sub: 'auth0|1' },
    clientId: 'mYB0tCl1ent',
    scopes: ['issues:read'],
  },
  Keycloak: {
    issuer: 'https://sso.acme.example/realms/acme',
    header: { typ: 'JWT' },
    jwt: { types: ['JWT'], audience: 'issues-mcp', claims: { clientId: ['azp'] } },
    accessToken: {
      ...times,
      jti: 'trrtcc:3f7e7b1c',
      aud: ['issues-mcp', 'account'],
      sub: SUBJECT,
      typ: 'Bearer',
      azp: 'reporting-bot',
      acr: '1',
      realm_access: { roles: ['offline_access'] },
      resource_access: { account: { roles: ['view-profile'] } },
      scope: 'issues:read profile',
      clientHost: '10.0.0.7',
      preferred_username: 'service-account-reporting-bot',
      client_id: 'reporting-bot',
    },
    idToken: {
      ...times,
      jti: 'i',
      aud: ['issues-mcp'],
      sub: SUBJECT,
      typ: 'ID',
      azp: 'reporting-bot',
      sid: 's',
      acr: '1',
    },
    clientId: 'reporting-bot',
    scopes: ['issues:read', 'profile'],
  },
  'Keycloak with its default audience': {
    issuer: 'https://sso.acme.example/realms/acme',
    header: { typ: 'JWT' },
    jwt: { types: ['JWT'], audience: 'account', claims: { clientId: ['azp'] } },
    accessToken: { ...times, aud: 'account', sub: SUBJECT, typ: 'Bearer', azp: 'reporting-bot', scope: 'issues:read' },
    idToken: { ...times, aud: 'reporting-bot', sub: SUBJECT, typ: 'ID', azp: 'reporting-bot', at_hash: 'x' },
    clientId: 'reporting-bot',
    scopes: ['issues:read'],
  },
  Cognito: {
    issuer: 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_example',
    header: {},
    jwt: { types: ['absent'], withoutAudience: { clientIds: ['1example23456789'] } },
    accessToken: {
      ...times,
      auth_time: now,
      client_id: '1example23456789',
      jti: 'a',
      scope: 'issues/read issues/write',
      sub: '1example23456789',
      token_use: 'access',
      version: 2,
    },
    idToken: {
      ...times,
      aud: '1example23456789',
      at_hash: 'x',
      auth_time: now,
      'cognito:username': 'ada',
      sub: SUBJECT,
      token_use: 'id',
    },
    clientId: '1example23456789',
    scopes: ['issues/read', 'issues/write'],
  },
};

let server: Loopback;
let key: { privateKey: CryptoKey; publicKey: CryptoKey };

beforeAll(async () => {
  [server, key] = await Promise.all([loopback(), generateKeyPair('RS256')]);
  const jwks = { keys: [{ ...(await exportJWK(key.publicKey)), kid: 'vendor', alg: 'RS256', use: 'sig' }] };
  server.serve((_request, response) => response.end(JSON.stringify(jwks)));
});
afterAll(() => server.close());

async function check(
  vendor: Vendor,
  claims: Claims,
  more: { jwt?: object; header?: object } = {},
): Promise<AccessTokenInfo | TokenRefusal> {
  const { verifier, token } = await presented(vendor, claims, more);
  return verifier.checkAccessToken(token);
}

async function presented(
  vendor: Vendor,
  claims: Claims,
  more: { jwt?: object; header?: object; onRefused?: OnRefused },
) {
  const { issuer, header, jwt } = vendor;
  const token = await new SignJWT({ iss: issuer, ...claims })
    .setProtectedHeader({ alg: 'RS256', kid: 'vendor', ...(more.header ?? header) })
    .sign(key.privateKey);
  const { onRefused } = more;
  const form = { jwksUri: `${server.origin}/jwks`, ...(more.jwt ?? jwt) };
  return { token, verifier: accessTokenVerifier({ issuer, resource: RESOURCE, onRefused, jwt: form }) };
}
const without = (claims: Claims, ...names: string[]) =>
  Object.fromEntries(Object.entries(claims).filter(([name]) => !names.includes(name)));
const codeOf = (outcome: AccessTokenInfo | TokenRefusal) => ('refused' in outcome ? outcome.code : 'accepted');

describe.each(Object.entries(vendors))('an access token of %s', (name, vendor) => {
  it('is accepted with the stated type, audience and claims, and yields the caller', async () => {
    const { accessToken, clientId, scopes, issuer } = vendor;
    await expect(check(vendor, accessToken)).resolves.toMatchObject({
      clientId,
      scopes,
      resource: new URL(RESOURCE),
      extra: { issuer, subject: accessToken['sub'], claims: { ...accessToken, iss: issuer } },
    });
  });

  it('is refused without these options', async () => {
    expect(codeOf(await check(vendor, vendor.accessToken, { jwt: {} }))).not.toBe('accepted');
  });

  it('is refused for another audience, of another issuer, or if it has expired', async () => {
    const { accessToken } = vendor;
    expect(codeOf(await check(vendor, { ...accessToken, aud: 'https://other.example' }))).toBe('wrong_audience');
    expect(codeOf(await check(vendor, { ...accessToken, aud: [] }))).toBe('wrong_audience');
    expect(codeOf(await check(vendor, { ...accessToken, iss: 'https://evil.example' }))).toBe('wrong_issuer');
    expect(codeOf(await check(vendor, { ...accessToken, exp: now - 60 }))).toBe('expired');
    expect(codeOf(await check(vendor, without(accessToken, 'exp')))).toBe('missing_claim');
    expect(codeOf(await check(vendor, without(accessToken, 'sub')))).toBe('missing_claim');
  });

  it('is refused without a client', async () => {
    const claims = without(vendor.accessToken, 'azp', 'appid', 'cid', 'client_id');
    expect(codeOf(await check(vendor, claims))).toBe('missing_claim');
  });

  it('is refused with scopes of another form', async () => {
    const claim = ['scp', 'roles', 'scope'].find((each) => each in vendor.accessToken) ?? 'scope';
    for (const value of [7, { a: 1 }, [1], ['a b', 7]]) {
      const outcome = await check(vendor, { ...vendor.accessToken, [claim]: value });
      expect([claim, codeOf(outcome)]).toEqual([claim, 'missing_claim']);
    }
  });

  it('is not accepted in the form of an ID token', async () => {
    const { idToken, accessToken, jwt, clientId } = vendor;
    expect(codeOf(await check(vendor, idToken))).not.toBe('accepted');
    if (name === 'Auth0 with the profile of RFC 9068') return;
    // An ID token of the API's own registration, with every claim that an access token needs.
    const audience = [jwt.audience ?? clientId].flat()[0] ?? clientId;
    for (const marker of [
      // The claim typ of Keycloak says that it is an access token: its versions before 24 copied the nonce into it.
      ...('typ' in accessToken ? [{ nonce: 'n', typ: 'ID' }] : [{ nonce: 'n' }]),
      { at_hash: 'x' },
      { c_hash: 'x' },
      { s_hash: 'x' },
      { token_use: 'id' },
      { typ: 'ID' },
      { typ: 7 },
      { jti: 'ID.x' },
    ]) {
      const outcome = await check(vendor, { ...accessToken, aud: audience, ...marker });
      expect([marker, codeOf(outcome)]).toEqual([marker, 'wrong_type']);
    }
    const own = { ...accessToken, aud: clientId };
    expect(codeOf(await check(vendor, own, { jwt: { ...jwt, audience: clientId } }))).toBe('wrong_type');
  });

  it('is refused with another type in its header', async () => {
    for (const typ of ['oauth-id-jag+jwt', 'logout+jwt', 'dpop+jwt', '']) {
      expect(codeOf(await check(vendor, vendor.accessToken, { header: { typ } }))).toBe('wrong_type');
    }
  });
});

const {
  Keycloak: keycloak,
  Okta: okta,
  Auth0: auth0,
  Cognito: cognito,
  'Entra v1, on behalf of a user': entra1,
  'Entra v2, an application': entra2,
} = vendors as Record<
  'Keycloak' | 'Okta' | 'Auth0' | 'Cognito' | 'Entra v1, on behalf of a user' | 'Entra v2, an application',
  Vendor
>;
const STANDARD: Claims = { ...times, aud: RESOURCE, client_id: 'bot', jti: 'j', scope: 'a', sub: 'bot' };

/** The code and the remedy that `onRefused` gets, and the words for the client. */
async function refusalFor(vendor: Vendor, claims: Claims, jwt: object, header: object = vendor.header) {
  const reported: AccessRefusal[] = [];
  const onRefused: OnRefused = (refusal) => void reported.push(refusal);
  const { verifier, token } = await presented(vendor, claims, { jwt, header, onRefused });
  const sent: unknown = await verifier.verifyAccessToken(token).catch((error: unknown) => error);
  const [refusal] = reported;
  return { code: refusal?.code, remedy: refusal?.remedy ?? '', sent: sent instanceof Error ? sent.message : '' };
}

describe('the remedy of a refused token', () => {
  const JWT = { typ: 'JWT' };
  const AT_JWT = { typ: 'at+jwt' };
  it.each<[string, Vendor, object, object | undefined, Claims, string, string]>([
    [
      'names jwt.types for Entra',
      entra2,
      {},
      undefined,
      entra2.accessToken,
      'wrong_type',
      "jwt.types is ['at+jwt'], and this token has the type JWT. If it is an access token of the authorization server, set jwt.types to ['at+jwt', 'JWT']",
    ],
    [
      'names jwt.types for Okta',
      okta,
      {},
      undefined,
      okta.accessToken,
      'wrong_type',
      "this token has no type. If it is an access token of the authorization server, set jwt.types to ['at+jwt', 'absent']",
    ],
    [
      'names jwt.types for a token of RFC 9068 that the options exclude',
      keycloak,
      keycloak.jwt,
      AT_JWT,
      keycloak.accessToken,
      'wrong_type',
      "jwt.types is ['JWT'], and this token has the type at+jwt. If it is an access token of the authorization server, set jwt.types to ['JWT', 'at+jwt']",
    ],
    [
      'says that no option accepts a type of one vendor',
      okta,
      okta.jwt,
      { typ: 'application/okta-internal-at+jwt' },
      okta.accessToken,
      'wrong_type',
      "jwt.types is ['absent']. Tokens with this type are accepted with no value of jwt.types",
    ],
    ['names an ID-JAG', auth0, {}, { typ: 'oauth-id-jag+jwt' }, STANDARD, 'wrong_type', 'the client must redeem it'],
    ['names a DPoP proof', auth0, {}, { typ: 'dpop+jwt' }, STANDARD, 'wrong_type', 'it belongs in the header DPoP'],
    [
      'says what to send instead of an ID token',
      okta,
      okta.jwt,
      undefined,
      { ...okta.accessToken, at_hash: 'x' },
      'wrong_type',
      'The client must send the access token',
    ],
    [
      'says that an API and its client are two applications',
      entra2,
      entra2.jwt,
      undefined,
      { ...entra2.accessToken, azp: API },
      'wrong_type',
      'as two applications',
    ],
    [
      'names jwt.claims.clientId for azp',
      entra2,
      { ...entra2.jwt, claims: { scope: ['roles'] } },
      undefined,
      entra2.accessToken,
      'missing_claim',
      "jwt.claims.clientId is ['client_id'], and this token has the client id in azp: set jwt.claims.clientId to ['azp'].",
    ],
    [
      'names jwt.claims.clientId for appid',
      entra1,
      { ...entra1.jwt, claims: { clientId: ['azp'] } },
      undefined,
      entra1.accessToken,
      'missing_claim',
      "jwt.claims.clientId is ['azp'], and this token has the client id in appid: set jwt.claims.clientId to ['appid'].",
    ],
    [
      'names jwt.claims.clientId for cid',
      okta,
      { types: ['absent'], audience: 'api://default' },
      undefined,
      okta.accessToken,
      'missing_claim',
      "set jwt.claims.clientId to ['cid'].",
    ],
    [
      'names jwt.claims.clientId if the option is wrong for a token of RFC 9068',
      auth0,
      { claims: { clientId: ['azp'] } },
      AT_JWT,
      STANDARD,
      'missing_claim',
      "set jwt.claims.clientId to ['client_id'].",
    ],
    [
      'names jwt.claims.clientId if no known claim has the client',
      auth0,
      {},
      AT_JWT,
      { ...STANDARD, client_id: undefined, azp: 7 },
      'missing_claim',
      'or set jwt.claims.clientId to the claim that has it.',
    ],
    [
      'names jwt.audience for Entra',
      entra2,
      { ...entra2.jwt, audience: undefined },
      undefined,
      entra2.accessToken,
      'wrong_audience',
      'jwt.audience is the resource identifier. If the audience that was found is the identifier of this MCP server, and of no other, at the authorization server, set jwt.audience to it.',
    ],
    [
      'names the configured jwt.audience',
      auth0,
      { types: ['JWT'], audience: ['a', 'b'], claims: { clientId: ['azp'] } },
      undefined,
      auth0.accessToken,
      'wrong_audience',
      "jwt.audience is ['a', 'b'].",
    ],
    [
      'names jwt.audience for a slash too many',
      auth0,
      {},
      AT_JWT,
      { ...STANDARD, aud: `${RESOURCE}/` },
      'wrong_audience',
      'set jwt.audience to it',
    ],
    [
      'names jwt.withoutAudience',
      cognito,
      { types: ['absent'] },
      undefined,
      cognito.accessToken,
      'missing_claim',
      'set jwt.withoutAudience.clientIds',
    ],
    [
      'names the client that jwt.withoutAudience lacks',
      cognito,
      cognito.jwt,
      undefined,
      { ...cognito.accessToken, client_id: 'other' },
      'missing_claim',
      'its client is not in jwt.withoutAudience.clientIds',
    ],
    [
      'names jwt.claims.scope for a list of scopes',
      auth0,
      {},
      AT_JWT,
      { ...STANDARD, scope: ['a'] },
      'missing_claim',
      "set jwt.claims.scope to ['scope']",
    ],
    [
      'says the form of a claim',
      auth0,
      {},
      AT_JWT,
      { ...STANDARD, exp: String(now + 99) },
      'missing_claim',
      'Configure the authorization server to send exp as a number of seconds.',
    ],
    [
      'says the form of an actor, which is not ignored',
      auth0,
      {},
      AT_JWT,
      { ...STANDARD, act: 'bot' },
      'missing_claim',
      'to send act as a JSON object',
    ],
    [
      'says the form of authorization details, which are not ignored',
      keycloak,
      keycloak.jwt,
      JWT,
      { ...keycloak.accessToken, authorization_details: 'x' },
      'missing_claim',
      'to send authorization_details as a list',
    ],
  ])('%s', async (_what, vendor, jwt, header, claims, code, remedy) => {
    const refusal = await refusalFor(vendor, claims, jwt, header);
    expect(refusal.code).toBe(code);
    expect(refusal.remedy).toContain(remedy);
    expect(refusal.sent).toMatch(/^[\w ,]+$/u);
    expect(refusal.sent).not.toContain('jwt.');
  });
});

describe('a claim that no check uses', () => {
  it.each<[string, Claims]>([
    ['groups as a text', { groups: '/x' }],
    ['groups as null', { groups: null }],
    ['groups as objects', { groups: [{ id: 1 }] }],
    ['roles as an object', { roles: { a: 1 } }],
    ['roles as an empty text', { roles: '' }],
    ['jti as a number', { jti: 7 }],
    ['null for every claim that a token may lack', { nbf: null, jti: null, act: null, authorization_details: null }],
    ['null for the claims of ID tokens', { nonce: null, at_hash: null, token_use: null }],
    ['null for other claims with the client', { appid: null, cid: null }],
  ])('is ignored in another form: %s', async (_what, more) => {
    const claims = { ...keycloak.accessToken, ...more };
    const info = await check(keycloak, claims);
    expect(codeOf(info)).toBe('accepted');
    expect(info).toMatchObject({ extra: { claims: more } });
    expect((info as AccessTokenInfo).extra).not.toHaveProperty(Object.keys(more)[0] ?? '');
  });

  it('is used in the form of a list of texts', async () => {
    const info = await check(keycloak, { ...keycloak.accessToken, groups: ['/x'], roles: [] });
    expect(info).toMatchObject({ extra: { groups: ['/x'], roles: [] } });
  });

  it('is not ignored if the options name it: roles of another form as scopes', async () => {
    expect(codeOf(await check(entra2, { ...entra2.accessToken, roles: { a: 1 } }))).toBe('missing_claim');
  });

  it('is not absent if it is null and binds the token to a key', async () => {
    expect(codeOf(await check(keycloak, { ...keycloak.accessToken, cnf: null }))).toBe('bound_to_key');
  });

  it('is absent if it is null, also if the options name it', async () => {
    const jwt = { ...entra2.jwt, claims: { scope: ['scp', 'roles'], clientId: ['appid', 'azp'] } };
    const info = await check(entra2, { ...entra2.accessToken, scp: null, appid: null }, { jwt });
    expect(info).toMatchObject({ clientId: BOT, scopes: entra2.scopes });
    for (const name of ['sub', 'exp', 'aud', 'azp']) {
      expect([name, codeOf(await check(entra2, { ...entra2.accessToken, [name]: null }))]).toEqual([
        name,
        'missing_claim',
      ]);
    }
  });
});

describe('a nonce', () => {
  it.each(['Bearer', 'DPoP', 'at+jwt'])('is accepted in a token whose claim typ is %s', async (typ) => {
    expect(codeOf(await check(keycloak, { ...keycloak.accessToken, typ, nonce: 'n' }))).toBe('accepted');
  });

  it.each<[string, Claims]>([
    ['ID', { typ: 'ID' }],
    ['Refresh', { typ: 'Refresh' }],
    ['null', { typ: null }],
    ['absent', { typ: undefined }],
    ['Bearer, with at_hash', { typ: 'Bearer', at_hash: 'x' }],
  ])('shows an ID token if the claim typ is %s', async (_typ, more) => {
    expect(codeOf(await check(keycloak, { ...keycloak.accessToken, nonce: 'n', ...more }))).toBe('wrong_type');
  });
});

describe('a token without an audience', () => {
  it.each<[string, Claims]>([
    ['of another client', { ...cognito.accessToken, client_id: 'other' }],
    ['without token_use', without(cognito.accessToken, 'token_use')],
    ['without a client', without(cognito.accessToken, 'client_id')],
  ])('is refused %s', async (_name, claims) => {
    expect(codeOf(await check(cognito, claims))).toBe('missing_claim');
  });

  it('is refused without the option withoutAudience', async () => {
    expect(codeOf(await check(cognito, cognito.accessToken, { jwt: { types: ['absent'] } }))).toBe('missing_claim');
  });
});

describe('the form of JWT access tokens', () => {
  it.each<[string, object]>([
    ['jwt.types is empty', { types: [] }],
    ['jwt.types is not a list', { types: 'JWT' }],
    ['jwt.types contains Bearer', { types: ['Bearer'] }],
    ['jwt.audience is empty', { audience: [] }],
    ['jwt.audience contains an empty text', { audience: '' }],
    ['jwt.audience is not a list', { audience: 7 }],
    ['jwt.withoutAudience.clientIds', { withoutAudience: {} }],
    ['jwt.withoutAudience.clientIds is empty', { withoutAudience: { clientIds: [] } }],
    ['jwt.claims.scope is not a list', { claims: { scope: 'scp' } }],
    ['jwt.claims.clientId is empty', { claims: { clientId: [] } }],
  ])('throws a TypeError: %s', (message, jwt) => {
    const options = { issuer: 'https://as.example', resource: RESOURCE, jwt };
    expect(() => accessTokenVerifier(options as AccessTokenVerifierOptions)).toThrow(message);
  });
});
