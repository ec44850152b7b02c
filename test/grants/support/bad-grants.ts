import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import * as oauth from 'oauth4webapi';
import { ALGORITHMS, base64url, type Claims, type Header, type Issuer } from './issuer.ts';
import type { RedeemOptions } from './redeem.ts';
import { OTHER_RESOURCE, RESOURCE } from './targets.ts';

export const IDP = 'https://idp.example';
/** An issuer with tenants. Trusted if `tenant` is `red` or `blue` and `aud_tenant` is `acme`. */
export const SHARED_IDP = 'https://login.example/shared';

/** The keys and URLs that are needed to make bad ID-JAGs. */
export interface Bench {
  readonly audience: string;
  readonly tokenEndpoint: string;
  /** The trusted issuer. It publishes a key for every algorithm; the server accepts only ES256 and EdDSA from it. */
  readonly idp: Issuer;
  /** Another trusted issuer, with tenants: {@link SHARED_IDP}. */
  readonly shared: Issuer;
  /** An issuer that the server does not trust. */
  readonly stranger: Issuer;
}

export interface BadGrant {
  readonly name: string;
  /** The OAuth error that the server must answer with. */
  readonly error: string;
  make(bench: Bench): Promise<{ assertion?: string | undefined; options?: RedeemOptions }>;
}

let counter = 0;

export function goodClaims(bench: Pick<Bench, 'audience'>): Claims {
  const iat = Math.floor(Date.now() / 1000) - 5;
  return {
    iss: IDP,
    sub: 'bot-7',
    aud: bench.audience,
    client_id: 'bot',
    jti: `jti-${(counter += 1)}`,
    iat,
    exp: iat + 300,
    resource: RESOURCE,
    scope: 'issues:read',
  };
}

export function goodHeader(): Header {
  return { alg: 'ES256', kid: 'ES256', typ: 'oauth-id-jag+jwt' };
}

/** A signed ID-JAG with valid claims, some of them replaced; undefined removes a claim. */
async function signed(bench: Bench, claims: Claims = {}, header: Header = {}): Promise<string> {
  return bench.idp.sign(JSON.stringify({ ...goodClaims(bench), ...claims }), { ...goodHeader(), ...header });
}

const bad = (
  name: string,
  error: string,
  make: (bench: Bench) => Promise<string> | string,
  options?: RedeemOptions,
): BadGrant => ({
  name,
  error,
  make: async (bench) => ({ assertion: await make(bench), ...(options && { options }) }),
});

const withClaims = (name: string, claims: (bench: Bench) => Claims, error = 'invalid_grant') =>
  bad(name, error, (bench) => signed(bench, claims(bench)));
const withHeader = (name: string, header: Header) => bad(name, 'invalid_grant', (bench) => signed(bench, {}, header));

const REQUIRED = ['iss', 'sub', 'aud', 'client_id', 'jti', 'exp', 'iat'];
const STRINGS = ['sub', 'client_id', 'jti', 'scope', 'tenant', 'aud_tenant', 'aud_sub', 'acr', 'email'];
const NUMBERS = ['exp', 'iat', 'nbf', 'auth_time'];
const LISTS = ['groups', 'roles', 'amr'];
/** Invalid values for each claim, most of them of a wrong type. */
const INVALID_VALUES: Readonly<Record<string, readonly unknown[]>> = {
  ...Object.fromEntries(STRINGS.map((name) => [name, [null, 7, true, {}, [], ['bot', 'bot']]])),
  ...Object.fromEntries(NUMBERS.map((name) => [name, [null, '2000000000', true, {}, [2e9, 2e9], 1e300]])),
  ...Object.fromEntries(LISTS.map((name) => [name, [null, 'admins', 7, {}, [7], ['a', null], [['a']], ['']]])),
  iss: [null, 7, true, {}, [IDP], [IDP, IDP], ''],
  aud: [null, 7, true, {}, [], ''],
  resource: [null, 7, true, {}, [], [7], [RESOURCE, 7], '', 'mcp', `${RESOURCE}#fragment`],
  authorization_details: [null, 'issue', 7, { type: 'issue' }, [7], [{}], [{ type: 7 }], [{ type: '' }]],
  act: [null, 'operator', 7, [{ sub: 'operator' }]],
  cnf: [null, 'key', 7, [], {}, { jkt: 7 }, { jkt: 'short' }, { jwk: {} }, { kid: 'a' }, { jkt: null }],
  email_verified: [null, 'true', 1, {}],
};

const claims: readonly BadGrant[] = [
  ...REQUIRED.map((name) => withClaims(`no ${name}`, () => ({ [name]: undefined }))),
  ...Object.entries(INVALID_VALUES).flatMap(([name, values]) =>
    values.map((value) => withClaims(`${name} ${JSON.stringify(value)}`, () => ({ [name]: value }))),
  ),
  ...['sub', 'client_id', 'jti'].map((name) => withClaims(`${name} empty`, () => ({ [name]: '' }))),
  ...Object.keys(INVALID_VALUES).map((name) =>
    bad(`the claim ${name} twice`, 'invalid_grant', (bench) => {
      const { [name]: value = 'a', ...rest } = goodClaims(bench);
      const member = `${JSON.stringify(name)}:${JSON.stringify(value)}`;
      return bench.idp.sign(`{${member},${JSON.stringify(rest).slice(1, -1)},${member}}`, goodHeader());
    }),
  ),
  bad('a claim twice, once with an escaped name', 'invalid_grant', (bench) =>
    bench.idp.sign(`{"s\\u0075b":"admin",${JSON.stringify(goodClaims(bench)).slice(1)}`, goodHeader()),
  ),
  bad('a member of act twice', 'invalid_grant', (bench) =>
    bench.idp.sign(`{"act":{"sub":"a","sub":"b"},${JSON.stringify(goodClaims(bench)).slice(1)}`, goodHeader()),
  ),
  ...['"claims"', '[]', 'null', '{', ''].map((payload) =>
    bad(`the payload ${payload}`, 'invalid_grant', (bench) => bench.idp.sign(payload, goodHeader())),
  ),
];

const wrongValues: readonly BadGrant[] = [
  ...['https://evil.example', `${IDP}/`, 'https://IDP.example', `${IDP}:443`, 'constructor', '__proto__'].map((iss) =>
    withClaims(`iss ${iss}`, () => ({ iss })),
  ),
  withClaims('aud of another server', () => ({ aud: 'https://other.example' })),
  withClaims('aud with an additional slash', ({ audience }) => ({ aud: `${audience}/` })),
  withClaims('the token endpoint as aud', ({ tokenEndpoint }) => ({ aud: tokenEndpoint })),
  withClaims('the issuer as aud', () => ({ aud: IDP })),
  withClaims('two values of aud', ({ audience }) => ({ aud: [audience, 'https://other.example'] })),
  withClaims('the same value of aud twice', ({ audience }) => ({ aud: [audience, audience] })),
  withClaims('aud as a list in a list', ({ audience }) => ({ aud: [[audience]] })),
  withClaims('another client_id', () => ({ client_id: 'thief' })),
  withClaims('client_id in another case', () => ({ client_id: 'Bot' })),
  withClaims('another resource claim', () => ({ resource: 'https://elsewhere.example/mcp' })),
  withClaims('resource with an additional slash', () => ({ resource: `${RESOURCE}/` })),
  withClaims('two resources of other servers', () => ({ resource: ['https://a.example', 'https://b.example'] })),
  withClaims('a resource of this server and one of another', () => ({ resource: [RESOURCE, 'https://b.example'] })),
  withClaims('a resource twice', () => ({ resource: [RESOURCE, RESOURCE] })),
  withClaims('a resource in capital letters', () => ({ resource: RESOURCE.replace('https://mcp', 'HTTPS://MCP') })),
  withClaims('a resource with an escaped letter', () => ({ resource: RESOURCE.replace('/mcp', '/%6dcp') })),
  withClaims('a resource with a dot segment', () => ({ resource: RESOURCE.replace('/mcp', '/./mcp') })),
  withClaims('a resource with the default port', () => ({ resource: RESOURCE.replace('example', 'example:443') })),
  withClaims(
    'two resources of this server, and none requested',
    () => ({ resource: [RESOURCE, OTHER_RESOURCE] }),
    'invalid_target',
  ),
  withClaims('no resource, at a server with two', () => ({ resource: undefined }), 'invalid_target'),
  withClaims('a scope that the server does not have', () => ({ scope: 'payroll:write' }), 'invalid_scope'),
  withClaims('no scope, at a server without default scopes', () => ({ scope: undefined }), 'invalid_scope'),
  withClaims('an empty scope', () => ({ scope: '' }), 'invalid_scope'),
  withClaims('scope with a quotation mark', () => ({ scope: 'issues:read "' })),
  withClaims('scope with a line break', () => ({ scope: 'issues:read\nissues:write' })),
  withClaims('tenant, from an issuer without tenants', () => ({ tenant: 'red' })),
  withClaims('aud_tenant, at a server without tenants', () => ({ aud_tenant: 'acme' })),
  withClaims('email with two addresses', () => ({ email: 'a@b.example,c@d.example@e.example' })),
];

const times: readonly BadGrant[] = [
  withClaims('expired by more than the tolerance', () => ({ iat: seconds(-300), exp: seconds(-6) })),
  withClaims('expired long ago', () => ({ iat: 1, exp: 2 })),
  withClaims('exp zero', () => ({ exp: 0 })),
  withClaims('exp negative', () => ({ exp: -1 })),
  withClaims('iat in the future by more than the tolerance', () => ({ iat: seconds(8), exp: seconds(300) })),
  withClaims('nbf in the future by more than the tolerance', () => ({ nbf: seconds(8) })),
  withClaims('exp before iat', () => ({ iat: seconds(4), exp: seconds(3) })),
  withClaims('exp equal to iat', () => ({ iat: seconds(3), exp: seconds(3) })),
  withClaims('a lifetime of more than one hour', () => ({ iat: seconds(-1), exp: seconds(3601) })),
  withClaims('exp in milliseconds', () => ({ exp: Date.now() + 300_000 })),
];

function seconds(fromNow: number): number {
  return Math.floor(Date.now() / 1000) + fromNow;
}

const headers: readonly BadGrant[] = [
  withHeader('no typ', { typ: undefined }),
  ...[
    'JWT',
    'at+jwt',
    'oauth-id_jag+jwt',
    'application/jwt',
    'oauth-id-jag',
    '',
    7,
    null,
    ['oauth-id-jag+jwt'],
    {},
  ].map((typ) => withHeader(`typ ${JSON.stringify(typ)}`, { typ })),
  withHeader('an unknown kid', { kid: 'nobody' }),
  withHeader('the kid of an RS256 key', { kid: 'RS256' }),
  withHeader('the kid of an ES384 key', { kid: 'ES384' }),
  ...[7, null, true, {}, ['ES256']].map((kid) => withHeader(`kid ${JSON.stringify(kid)}`, { kid })),
  withHeader('crit', { crit: ['urn:example'], 'urn:example': 1 }),
  withHeader('b64', { b64: true }),
  ...['alg', 'typ', 'kid'].map((name) =>
    bad(`${name} twice in the header`, 'invalid_grant', (bench) => {
      const header = JSON.stringify(goodHeader());
      const member = `${JSON.stringify(name)}:${JSON.stringify(goodHeader()[name])}`;
      return bench.idp.signRaw(JSON.stringify(goodClaims(bench)), `{${member},${header.slice(1)}`);
    }),
  ),
  ...['[]', 'null', '"ES256"', '{', '{"typ":"oauth-id-jag+jwt"}', '{"alg":["ES256"],"typ":"oauth-id-jag+jwt"}'].map(
    (header) =>
      bad(`the header ${header}`, 'invalid_grant', (bench) =>
        bench.idp.signRaw(JSON.stringify(goodClaims(bench)), header),
      ),
  ),
];

const NOT_ACCEPTED = ALGORITHMS.filter((alg) => alg !== 'ES256' && alg !== 'EdDSA');

const algorithms: readonly BadGrant[] = [
  ...NOT_ACCEPTED.map((alg) =>
    bad(`alg ${alg}, with a published key but not accepted`, 'invalid_grant', (bench) =>
      bench.idp.sign(JSON.stringify(goodClaims(bench)), { ...goodHeader(), alg, kid: alg }, bench.idp.key(alg)),
    ),
  ),
  ...['HS256', 'HS384', 'HS512'].map((alg) =>
    bad(`alg ${alg} with the published key as secret`, 'invalid_grant', (bench) =>
      bench.idp.sign(
        JSON.stringify(goodClaims(bench)),
        { ...goodHeader(), alg },
        new TextEncoder().encode(JSON.stringify(bench.idp.jwks.keys[0]).padEnd(64)),
      ),
    ),
  ),
  ...['none', 'None', 'NONE', 'nOnE', '', 'ES256 ', 'es256', 'ES256K', 'Ed448', 'RSA1_5'].map((alg) =>
    bad(`alg ${JSON.stringify(alg)} in the header of a signed ID-JAG`, 'invalid_grant', async (bench) => {
      const [, payload, signature] = (await signed(bench)).split('.');
      return `${base64url(JSON.stringify({ ...goodHeader(), alg }))}.${payload}.${signature}`;
    }),
  ),
  bad('alg none without a signature', 'invalid_grant', (bench) => {
    const [, payload] = new UnsecuredJWT(goodClaims(bench)).encode().split('.');
    return `${base64url(JSON.stringify({ ...goodHeader(), alg: 'none' }))}.${payload}.`;
  }),
];

const keys: readonly BadGrant[] = [
  bad('a signature of an unknown key under a published kid', 'invalid_grant', (bench) =>
    bench.stranger.sign(JSON.stringify(goodClaims(bench)), goodHeader()),
  ),
  bad('the signature of another trusted issuer', 'invalid_grant', (bench) =>
    bench.shared.sign(JSON.stringify(goodClaims(bench)), goodHeader()),
  ),
  bad('jwk in the header', 'invalid_grant', (bench) =>
    bench.stranger.sign(JSON.stringify(goodClaims(bench)), { ...goodHeader(), jwk: bench.stranger.jwks.keys[0] }),
  ),
  bad('jku in the header', 'invalid_grant', (bench) =>
    bench.stranger.sign(JSON.stringify(goodClaims(bench)), { ...goodHeader(), jku: 'https://evil.example/jwks' }),
  ),
  bad('an EdDSA signature of an unknown key under a published kid', 'invalid_grant', (bench) =>
    bench.idp.sign(
      JSON.stringify(goodClaims(bench)),
      { ...goodHeader(), kid: 'EdDSA', alg: 'EdDSA' },
      bench.stranger.key('EdDSA'),
    ),
  ),
];

const TENANTS: readonly (readonly [string, Claims])[] = [
  ['an untrusted tenant', { tenant: 'green', aud_tenant: 'acme' }],
  ['no tenant', { aud_tenant: 'acme' }],
  ['tenant in another case', { tenant: 'Red', aud_tenant: 'acme' }],
  ['an unknown aud_tenant', { tenant: 'red', aud_tenant: 'other' }],
  ['no aud_tenant', { tenant: 'red' }],
  ['two tenants', { tenant: ['red', 'blue'], aud_tenant: 'acme' }],
];

const tenants: readonly BadGrant[] = TENANTS.map(([name, more]) =>
  bad(`from an issuer with tenants: ${name}`, 'invalid_grant', (bench) =>
    bench.shared.sign(JSON.stringify({ ...goodClaims(bench), iss: SHARED_IDP, ...more }), goodHeader()),
  ),
);

const forms: readonly BadGrant[] = [
  bad('not a JWT', 'invalid_grant', () => 'not.a.jwt'),
  bad('one word', 'invalid_grant', () => 'eyJ'),
  bad('only dots', 'invalid_grant', () => '..'),
  bad('without its signature', 'invalid_grant', async (bench) =>
    (await signed(bench)).split('.').slice(0, 2).join('.'),
  ),
  bad('with an empty signature', 'invalid_grant', async (bench) => (await signed(bench)).replace(/[^.]+$/u, '')),
  bad('with an additional part', 'invalid_grant', async (bench) => `${await signed(bench)}.x`),
  bad('in quotation marks', 'invalid_grant', async (bench) => `"${await signed(bench)}"`),
  bad('with a space before it', 'invalid_grant', async (bench) => ` ${await signed(bench)}`),
  bad('truncated', 'invalid_grant', async (bench) => (await signed(bench)).slice(0, -8)),
  bad('with the claims of another ID-JAG', 'invalid_grant', async (bench) => {
    const [header, , signature] = (await signed(bench)).split('.');
    return `${header}.${base64url(JSON.stringify({ ...goodClaims(bench), sub: 'admin' }))}.${signature}`;
  }),
  bad('with the signature of another ID-JAG', 'invalid_grant', async (bench) => {
    const [header, payload] = (await signed(bench)).split('.');
    return `${header}.${payload}.${(await signed(bench)).split('.')[2]}`;
  }),
  bad('with one changed bit in the signature', 'invalid_grant', async (bench) => {
    const [header, payload, signature = ''] = (await signed(bench)).split('.');
    const bytes = Buffer.from(signature, 'base64url');
    bytes.writeUInt8(bytes.readUInt8(20) ^ 1, 20);
    return `${header}.${payload}.${bytes.toString('base64url')}`;
  }),
  bad('claims that are not UTF-8', 'invalid_grant', async (bench) => {
    const [header, , signature] = (await signed(bench)).split('.');
    return `${header}.${Buffer.from([0x7b, 0xff, 0x7d]).toString('base64url')}.${signature}`;
  }),
  withClaims('larger than the limit for an ID-JAG', () => ({ padding: 'x'.repeat(17_000) })),
  withClaims('more than twice as large as the limit for an ID-JAG', () => ({ padding: 'x'.repeat(38_000) })),
  bad('larger than the limit for a request', 'invalid_request', () => `${'a'.repeat(120_000)}.a.a`),
  bad('large and not a JWT', 'invalid_grant', () => 'a.'.repeat(20_000)),
];

const requests: readonly BadGrant[] = [
  { name: 'no assertion', error: 'invalid_request', make: () => Promise.resolve({}) },
  bad('an empty assertion', 'invalid_request', () => ''),
  bad('an ID-JAG that was issued to another client', 'invalid_grant', signed, { clientId: 'thief' }),
  bad('a wrong secret', 'invalid_client', signed, { secret: 'x'.repeat(40) }),
  bad('an unknown client', 'invalid_client', signed, { clientId: 'nobody', secret: 'x'.repeat(40) }),
  bad('a requested scope that the ID-JAG does not have', 'invalid_scope', signed, {
    parameters: [['scope', 'issues:write']],
  }),
  bad('an invalid requested scope', 'invalid_scope', signed, { parameters: [['scope', 'issues:read "']] }),
  bad('another requested resource', 'invalid_target', signed, { parameters: [['resource', OTHER_RESOURCE]] }),
  bad('an unknown requested resource', 'invalid_target', signed, { parameters: [['resource', 'https://x.example']] }),
  bad('two requested resources', 'invalid_target', signed, {
    parameters: [
      ['resource', RESOURCE],
      ['resource', OTHER_RESOURCE],
    ],
  }),
  bad('the scope parameter twice', 'invalid_request', signed, {
    parameters: [
      ['scope', 'issues:read'],
      ['scope', 'issues:read'],
    ],
  }),
  {
    name: 'two assertions',
    error: 'invalid_request',
    make: async (bench) => ({
      assertion: await signed(bench),
      options: { parameters: [['assertion', await signed(bench)]] },
    }),
  },
];

const GRANT_JWT_DPOP = 'urn:ietf:params:oauth:grant-type:jwt-dpop';

/** An ID-JAG that is bound to a key, with an invalid DPoP proof or none. */
const bound = (
  name: string,
  error: string,
  makeOptions: (bench: Bench, own: ProofKey) => Promise<RedeemOptions>,
): BadGrant => ({
  name: `bound, with ${name}`,
  error,
  async make(bench) {
    const own = await ProofKey.create();
    return { assertion: await signed(bench, { cnf: { jkt: own.thumbprint } }), options: await makeOptions(bench, own) };
  },
});

export class ProofKey {
  readonly pair: oauth.CryptoKeyPair;
  readonly thumbprint: string;

  private constructor(pair: oauth.CryptoKeyPair, thumbprint: string) {
    this.pair = pair;
    this.thumbprint = thumbprint;
  }

  static async create(): Promise<ProofKey> {
    const pair = await generateKeyPair('ES256', { extractable: true });
    return new ProofKey(pair, await calculateJwkThumbprint(await exportJWK(pair.publicKey)));
  }

  handle(): oauth.DPoPHandle {
    return oauth.DPoP({}, this.pair);
  }

  async proof(bench: Bench, claims: Claims = {}, header: Header = {}): Promise<string> {
    const jwk = await exportJWK(this.pair.publicKey);
    const good = { jti: `proof-${(counter += 1)}`, htm: 'POST', htu: bench.tokenEndpoint, iat: seconds(0) };
    return new SignJWT(JSON.parse(JSON.stringify({ ...good, ...claims })) as Claims)
      .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk, ...header })
      .sign(this.pair.privateKey);
  }
}

const proofs: readonly BadGrant[] = [
  bound('no proof', 'invalid_grant', () => Promise.resolve({})),
  bound('no proof, with the jwt-dpop grant type', 'invalid_grant', () =>
    Promise.resolve({ grantType: GRANT_JWT_DPOP }),
  ),
  bound('a proof of another key', 'invalid_grant', async () => ({ dpop: (await ProofKey.create()).handle() })),
  ...(
    [
      ['for another method', { htm: 'GET' }, {}],
      ['for another URL', { htu: 'https://evil.example/token' }, {}],
      ['that is old', { iat: 1_000_000_000 }, {}],
      ['without jti', { jti: undefined }, {}],
      ['without iat', { iat: undefined }, {}],
      ['of another type', {}, { typ: 'JWT' }],
    ] as const
  ).map(([name, claimsOver, header]) =>
    bound(`a proof ${name}`, 'invalid_dpop_proof', async (bench, own) => ({
      proof: await own.proof(bench, claimsOver, header),
    })),
  ),
  bound('a proof that names the right key and is signed with another', 'invalid_dpop_proof', async (bench, own) => {
    const other = await ProofKey.create();
    return { proof: await other.proof(bench, {}, { jwk: await exportJWK(own.pair.publicKey) }) };
  }),
  bound('a proof that is not a JWT', 'invalid_dpop_proof', () => Promise.resolve({ proof: 'x' })),
  bad('not bound, with the jwt-dpop grant type and without a proof', 'invalid_grant', signed, {
    grantType: GRANT_JWT_DPOP,
  }),
  withClaims('bound to a certificate', () => ({ cnf: { 'x5t#S256': 'a'.repeat(43) } })),
  withClaims('bound to a key and a certificate', () => ({ cnf: { jkt: 'a'.repeat(43), 'x5t#S256': 'a'.repeat(43) } })),
];

/** ID-JAGs and token requests that are valid except for one defect. */
export const BAD_GRANTS: readonly BadGrant[] = [
  ...claims,
  ...wrongValues,
  ...times,
  ...headers,
  ...algorithms,
  ...keys,
  ...tenants,
  ...forms,
  ...requests,
  ...proofs,
];
