import { beforeAll, describe, expect, it } from '@jest/globals';
import {
  base64url,
  CompactSign,
  type CryptoKey,
  exportJWK,
  generateKeyPair,
  type JSONWebKeySet,
  type JWK,
  type JWSHeaderParameters,
  SignJWT,
  UnsecuredJWT,
} from 'jose';
import { ID_JAG_ERRORS, IdJagError, type IdJagErrorCode } from './error.ts';
import { memoryReplayStore } from '../replay/memory-replay-store.ts';
import type { VerifyIdJagOptions } from './options.ts';
import { verifyIdJag } from './verify.ts';

const IDP = 'https://idp.example';
const AS = 'https://as.example';
const RESOURCE = 'https://mcp.example/mcp';
const NOW = new Date('2026-11-20T12:00:00Z');
const NOW_S = NOW.getTime() / 1000;
const THUMBPRINT = 'a'.repeat(43);

type Claims = Record<string, unknown>;
type Pair = { publicKey: CryptoKey; privateKey: CryptoKey };

let es256: Pair;
let stranger: Pair;
let ed25519: Pair;
let rs256: Pair;
let jwks: JSONWebKeySet;

beforeAll(async () => {
  [es256, stranger, ed25519, rs256] = await Promise.all([
    generateKeyPair('ES256'),
    generateKeyPair('ES256'),
    generateKeyPair('EdDSA'),
    generateKeyPair('RS256'),
  ]);
  const published = async (pair: Pair, more: Partial<JWK>) => ({ ...(await exportJWK(pair.publicKey)), ...more });
  jwks = {
    keys: [
      await published(es256, { kid: 'es', alg: 'ES256' }),
      await published(ed25519, { kid: 'ed', alg: 'EdDSA' }),
      await published(rs256, { kid: 'rs', alg: 'RS256' }),
    ],
  };
});

function goodClaims(): Claims {
  return {
    iss: IDP,
    sub: 'bot-7',
    aud: AS,
    client_id: 'bot-at-as',
    jti: 'jti-1',
    iat: NOW_S - 10,
    exp: NOW_S + 290,
    resource: RESOURCE,
    scope: 'issues:read issues:write',
  };
}

/** A good ID-JAG with some claims replaced; undefined removes one. */
async function idJag(
  claims: Claims = {},
  header: Partial<JWSHeaderParameters> = {},
  key: CryptoKey | Uint8Array = es256.privateKey,
): Promise<string> {
  const all = Object.fromEntries(Object.entries({ ...goodClaims(), ...claims }).filter(([, v]) => v !== undefined));
  return new SignJWT(all)
    .setProtectedHeader({ alg: 'ES256', kid: 'es', typ: 'oauth-id-jag+jwt', ...header })
    .sign(key, { crit: { 'urn:example': true } });
}

function options(more: Partial<VerifyIdJagOptions> = {}): VerifyIdJagOptions {
  return {
    issuers: { [IDP]: { jwks } },
    audience: AS,
    clientId: 'bot-at-as',
    resources: [RESOURCE],
    now: () => NOW,
    ...more,
  };
}

/** Replaces the header of a signed ID-JAG without signing it again. */
function withHeader(assertion: string, header: object): string {
  const [, payload, signature] = assertion.split('.');
  return `${base64url.encode(JSON.stringify(header))}.${payload}.${signature}`;
}

describe('a good ID-JAG', () => {
  it('is read into plain values', async () => {
    await expect(verifyIdJag(await idJag({ act: { sub: 'operator' }, groups: ['ops'] }), options())).resolves.toEqual({
      issuer: IDP,
      subject: 'bot-7',
      audience: AS,
      clientId: 'bot-at-as',
      jwtId: 'jti-1',
      issuedAt: new Date((NOW_S - 10) * 1000),
      expiresAt: new Date((NOW_S + 290) * 1000),
      resources: [RESOURCE],
      scopes: ['issues:read', 'issues:write'],
      actor: { sub: 'operator' },
      groups: ['ops'],
      roles: [],
      claims: expect.objectContaining({ iss: IDP, jti: 'jti-1' }),
    });
  });

  const variants: Record<string, () => Promise<string>> = {
    'aud a list of exactly one': () => idJag({ aud: [AS] }),
    'typ with its application/ prefix': () => idJag({}, { typ: 'application/oauth-id-jag+jwt' }),
    'typ in capitals': () => idJag({}, { typ: 'OAUTH-ID-JAG+JWT' }),
    'no kid': () => idJag({}, { kid: undefined as never }),
    'alg EdDSA': () => idJag({}, { alg: 'EdDSA', kid: 'ed' }, ed25519.privateKey),
    'alg Ed25519 though the key says EdDSA': () => idJag({}, { alg: 'Ed25519', kid: 'ed' }, ed25519.privateKey),
    'alg RS256': () => idJag({}, { alg: 'RS256', kid: 'rs' }, rs256.privateKey),
    'several resources, one of them here': () => idJag({ resource: ['https://other.example/mcp', RESOURCE] }),
    'no resource': () => idJag({ resource: undefined }),
    'no scope': () => idJag({ scope: undefined }),
    'expired by less than the tolerance': () => idJag({ exp: NOW_S - 3 }),
    'issued ahead by less than the tolerance': () => idJag({ iat: NOW_S + 3 }),
  };
  it.each(Object.keys(variants))('is accepted with %s', async (name) => {
    await expect(verifyIdJag((await variants[name]?.()) ?? '', options())).resolves.toMatchObject({ subject: 'bot-7' });
  });

  it('may be used again by its client, unless the policy is single use', async () => {
    const assertion = await idJag();
    await verifyIdJag(assertion, options());
    await verifyIdJag(assertion, options());
    const replay = { singleUse: memoryReplayStore({ now: () => NOW }) };
    await verifyIdJag(assertion, options({ replay }));
    await expect(verifyIdJag(assertion, options({ replay }))).rejects.toMatchObject({
      code: 'replayed',
      oauthError: 'invalid_grant',
      identity: { issuer: IDP, subject: 'bot-7', jwtId: 'jti-1', clientId: 'bot-at-as' },
    });
  });

  it('of two concurrent uses under single use exactly one succeeds', async () => {
    const assertion = await idJag();
    const replay = { singleUse: memoryReplayStore({ now: () => NOW }) };
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, () => verifyIdJag(assertion, options({ replay }))),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('is not spent by a request that is refused for another reason', async () => {
    const assertion = await idJag();
    const replay = { singleUse: memoryReplayStore({ now: () => NOW }) };
    await expect(verifyIdJag(assertion, options({ replay, clientId: 'thief' }))).rejects.toMatchObject({
      code: 'wrong_client',
    });
    await expect(verifyIdJag(assertion, options({ replay }))).resolves.toMatchObject({ jwtId: 'jti-1' });
  });

  it('bound to a key is accepted with a proof by that key', async () => {
    const assertion = await idJag({ cnf: { jkt: THUMBPRINT } });
    await expect(verifyIdJag(assertion, options({ dpopThumbprint: THUMBPRINT }))).resolves.toMatchObject({
      confirmationThumbprint: THUMBPRINT,
    });
  });
});

interface Bad {
  assertion: () => Promise<string> | string;
  code: IdJagErrorCode;
  oauthError?: string;
  options?: Partial<VerifyIdJagOptions>;
}

const bad: Record<string, Bad> = {
  'empty text': { assertion: () => '', code: 'malformed' },
  'not a JWT': { assertion: () => 'not.a.jwt', code: 'malformed' },
  'a JWT without its signature part': {
    assertion: async () => (await idJag()).split('.').slice(0, 2).join('.'),
    code: 'malformed',
  },
  'more than 16 KiB': { assertion: () => idJag({ padding: 'x'.repeat(17_000) }), code: 'too_large' },
  'no typ': { assertion: () => idJag({}, { typ: undefined as never }), code: 'wrong_type' },
  'typ JWT': { assertion: () => idJag({}, { typ: 'JWT' }), code: 'wrong_type' },
  'typ at+jwt': { assertion: () => idJag({}, { typ: 'at+jwt' }), code: 'wrong_type' },
  'typ with an underscore': { assertion: () => idJag({}, { typ: 'oauth-id_jag+jwt' }), code: 'wrong_type' },
  'alg none': {
    assertion: () => withHeader(new UnsecuredJWT(goodClaims()).encode(), { alg: 'none', typ: 'oauth-id-jag+jwt' }),
    code: 'algorithm_not_allowed',
  },
  'alg None in capitals': {
    assertion: async () => withHeader(await idJag(), { alg: 'None', typ: 'oauth-id-jag+jwt', kid: 'es' }),
    code: 'algorithm_not_allowed',
  },
  'an HMAC keyed with the public key': {
    assertion: () =>
      idJag({}, { alg: 'HS256' }, new TextEncoder().encode(JSON.stringify(jwks.keys[0]).padEnd(32, ' '))),
    code: 'algorithm_not_allowed',
  },
  'an algorithm this issuer does not use': {
    assertion: () => idJag({}, { alg: 'RS256', kid: 'rs' }, rs256.privateKey),
    code: 'algorithm_not_allowed',
    options: {
      get issuers() {
        return { [IDP]: { jwks, algorithms: ['ES256'] } };
      },
    },
  },
  'a kid that is no string': { assertion: () => idJag({}, { kid: 7 as never }), code: 'malformed' },
  'a header with a member twice': {
    assertion: async () => {
      const [, payload, signature] = (await idJag()).split('.');
      const header = '{"alg":"ES256","typ":"JWT","kid":"es","typ":"oauth-id-jag+jwt"}';
      return `${base64url.encode(header)}.${payload}.${signature}`;
    },
    code: 'malformed',
  },
  'a claim twice': {
    assertion: async () => {
      const claims = JSON.stringify(goodClaims()).replace('{', '{"sub":"admin",');
      return new CompactSign(new TextEncoder().encode(claims))
        .setProtectedHeader({ alg: 'ES256', kid: 'es', typ: 'oauth-id-jag+jwt' })
        .sign(es256.privateKey);
    },
    code: 'malformed',
  },
  'four parts': { assertion: async () => `${await idJag()}.x`, code: 'malformed' },
  'a critical extension': {
    assertion: () => idJag({}, { crit: ['urn:example'], 'urn:example': true }),
    code: 'critical_header',
  },
  'an issuer that is not trusted': {
    assertion: () => idJag({ iss: 'https://evil.example' }),
    code: 'issuer_not_trusted',
  },
  'the issuer with a slash more': { assertion: () => idJag({ iss: `${IDP}/` }), code: 'issuer_not_trusted' },
  'the issuer in other letters': { assertion: () => idJag({ iss: 'https://IDP.example' }), code: 'issuer_not_trusted' },
  'an issuer named like an object member': {
    assertion: () => idJag({ iss: 'constructor' }),
    code: 'issuer_not_trusted',
  },
  'no iss': { assertion: () => idJag({ iss: undefined }), code: 'missing_claim' },
  'iss a list': { assertion: () => idJag({ iss: [IDP] }), code: 'invalid_claim' },
  'a kid nobody published': { assertion: () => idJag({}, { kid: 'unknown' }), code: 'unknown_key' },
  'a kid of a key of another algorithm': { assertion: () => idJag({}, { kid: 'rs' }), code: 'unknown_key' },
  "a stranger's signature under our kid": {
    assertion: () => idJag({}, {}, stranger.privateKey),
    code: 'bad_signature',
  },
  'an own key in the header': {
    assertion: async () => idJag({}, { jwk: await exportJWK(stranger.publicKey) }, stranger.privateKey),
    code: 'bad_signature',
  },
  'claims changed after signing': {
    assertion: async () => {
      const [header, , signature] = (await idJag()).split('.');
      return `${header}.${base64url.encode(JSON.stringify({ ...goodClaims(), sub: 'admin' }))}.${signature}`;
    },
    code: 'bad_signature',
  },
  'no aud': { assertion: () => idJag({ aud: undefined }), code: 'missing_claim' },
  'another aud': { assertion: () => idJag({ aud: 'https://other.example' }), code: 'wrong_audience' },
  'the token endpoint as aud': { assertion: () => idJag({ aud: `${AS}/token` }), code: 'wrong_audience' },
  'two aud': { assertion: () => idJag({ aud: [AS, 'https://other.example'] }), code: 'wrong_audience' },
  'the same aud twice': { assertion: () => idJag({ aud: [AS, AS] }), code: 'wrong_audience' },
  'an empty list of aud': { assertion: () => idJag({ aud: [] }), code: 'wrong_audience' },
  'another client': { assertion: () => idJag({ client_id: 'somebody' }), code: 'wrong_client' },
  'no client_id': { assertion: () => idJag({ client_id: undefined }), code: 'missing_claim' },
  'client_id a list': { assertion: () => idJag({ client_id: ['bot-at-as'] }), code: 'invalid_claim' },
  'no exp': { assertion: () => idJag({ exp: undefined }), code: 'missing_claim' },
  'exp a string': { assertion: () => idJag({ exp: String(NOW_S + 290) }), code: 'invalid_claim' },
  'exp beyond all dates': { assertion: () => idJag({ exp: 1e300 }), code: 'invalid_claim' },
  'exp in the past': { assertion: () => idJag({ exp: NOW_S - 6 }), code: 'expired' },
  'no iat': { assertion: () => idJag({ iat: undefined }), code: 'missing_claim' },
  'iat in the future': { assertion: () => idJag({ iat: NOW_S + 60 }), code: 'not_yet_valid' },
  'iat after exp': {
    assertion: () => idJag({ iat: NOW_S + 4, exp: NOW_S + 2 }),
    code: 'invalid_claim',
  },
  'nbf in the future': { assertion: () => idJag({ nbf: NOW_S + 60 }), code: 'not_yet_valid' },
  'a life of two hours': { assertion: () => idJag({ exp: NOW_S + 7200 }), code: 'lifetime_too_long' },
  'a life longer than configured': {
    assertion: () => idJag(),
    code: 'lifetime_too_long',
    options: { maxLifetimeSeconds: 60 },
  },
  'no jti': { assertion: () => idJag({ jti: undefined }), code: 'missing_claim' },
  'an empty jti': { assertion: () => idJag({ jti: '' }), code: 'invalid_claim' },
  'jti a number': { assertion: () => idJag({ jti: 7 }), code: 'invalid_claim' },
  'no sub': { assertion: () => idJag({ sub: undefined }), code: 'missing_claim' },
  'sub with half of a character': { assertion: () => idJag({ sub: 'bot\ud800' }), code: 'invalid_claim' },
  'a group with half of a character': { assertion: () => idJag({ groups: ['\udc00'] }), code: 'invalid_claim' },
  'sub null': { assertion: () => idJag({ sub: null }), code: 'invalid_claim' },
  'another resource': {
    assertion: () => idJag({ resource: 'https://other.example/mcp' }),
    code: 'wrong_resource',
    oauthError: 'invalid_target',
  },
  'resource a number': { assertion: () => idJag({ resource: 7 }), code: 'invalid_claim' },
  'resource an empty list': { assertion: () => idJag({ resource: [] }), code: 'invalid_claim' },
  'resource with a fragment': { assertion: () => idJag({ resource: `${RESOURCE}#x` }), code: 'invalid_claim' },
  'scope a list': { assertion: () => idJag({ scope: ['issues:read'] }), code: 'invalid_claim' },
  'scope with a quote': { assertion: () => idJag({ scope: 'issues:read "' }), code: 'invalid_claim' },
  'authorization_details an object': {
    assertion: () => idJag({ authorization_details: { type: 'x' } }),
    code: 'invalid_claim',
  },
  'act a string': { assertion: () => idJag({ act: 'operator' }), code: 'invalid_claim' },
  'a tenant of an issuer that has none': { assertion: () => idJag({ tenant: 'acme' }), code: 'wrong_tenant' },
  'a tenant of ours though there is none': {
    assertion: () => idJag({ aud_tenant: 'acme' }),
    code: 'wrong_audience_tenant',
  },
  'groups a string': { assertion: () => idJag({ groups: 'admins' }), code: 'invalid_claim' },
  'roles with a number': { assertion: () => idJag({ roles: ['a', 7] }), code: 'invalid_claim' },
  'email without a domain': { assertion: () => idJag({ email: 'bot' }), code: 'invalid_claim' },
  'email_verified a string': {
    assertion: () => idJag({ email: 'bot@acme.example', email_verified: 'true' }),
    code: 'invalid_claim',
  },
  'aud_sub a number': { assertion: () => idJag({ aud_sub: 7 }), code: 'invalid_claim' },
  'auth_time a string': { assertion: () => idJag({ auth_time: '7' }), code: 'invalid_claim' },
  'amr a string': { assertion: () => idJag({ amr: 'pwd' }), code: 'invalid_claim' },
  'tenant a number': { assertion: () => idJag({ tenant: 7 }), code: 'invalid_claim' },
  'bound, without a proof': { assertion: () => idJag({ cnf: { jkt: THUMBPRINT } }), code: 'proof_required' },
  'bound, with a proof by another key': {
    assertion: () => idJag({ cnf: { jkt: THUMBPRINT } }),
    code: 'proof_mismatch',
    options: { dpopThumbprint: 'b'.repeat(43) },
  },
  'bound in a way unknown here': {
    assertion: () => idJag({ cnf: { 'x5t#S256': THUMBPRINT } }),
    code: 'unsupported_confirmation',
    options: { dpopThumbprint: THUMBPRINT },
  },
  'bound in two ways': {
    assertion: () => idJag({ cnf: { jkt: THUMBPRINT, 'x5t#S256': THUMBPRINT } }),
    code: 'unsupported_confirmation',
    options: { dpopThumbprint: THUMBPRINT },
  },
  'an empty cnf': { assertion: () => idJag({ cnf: {} }), code: 'unsupported_confirmation' },
};

describe('a bad ID-JAG is explained to an administrator', () => {
  const text = '"x", granted to "admin"\n2026-11-20 granted';
  const explained: Record<string, [() => Promise<string>, string, Partial<VerifyIdJagOptions>?]> = {
    'another type': [() => idJag({}, { typ: 'JWT' }), 'wrong_type: typ is "JWT"'],
    'no type': [() => idJag({}, { typ: undefined as never }), 'wrong_type: typ is none'],
    'an algorithm of nobody': [
      async () => withHeader(await idJag(), { alg: 'none', typ: 'oauth-id-jag+jwt' }),
      'algorithm_not_allowed: alg is "none"',
    ],
    'an issuer with a sentence of its own': [
      () => idJag({ iss: 'https://idp.example: signed by hand, granted by the administrator' }),
      'issuer_not_trusted: "https://idp.example: signed by hand, granted by the administrator"',
    ],
    'a tenant with a sentence of its own': [
      () => idJag({ tenant: 'a, granted to admin' }),
      'wrong_tenant: tenant "a, granted to admin"',
    ],
    'an unknown key': [() => idJag({}, { kid: 'new' }), `unknown_key: kid "new" of ${IDP}`],
    "a stranger's signature": [() => idJag({}, {}, stranger.privateKey), `bad_signature: kid "es" of ${IDP}`],
    'another audience': [
      () => idJag({ aud: [`${AS}/token`, 7] }),
      `wrong_audience: found ["${AS}/token",7], expected "${AS}"`,
    ],
    'another client': [() => idJag({ client_id: 'somebody' }), 'wrong_client: issued for "somebody"'],
    'another resource': [
      () => idJag({ resource: 'https://other.example/mcp' }),
      'wrong_resource: found ["https://other.example/mcp"]',
    ],
    'one that expired': [() => idJag({ exp: NOW_S - 6.5 }), 'expired: 6 seconds ago'],
    'a clock ahead': [() => idJag({ iat: NOW_S + 60 }), 'not_yet_valid: iat is 60 seconds ahead of this clock'],
    'a beginning to come': [() => idJag({ nbf: NOW_S + 61 }), 'not_yet_valid: nbf is 61 seconds ahead of this clock'],
    'a long life': [() => idJag({ exp: NOW_S + 3591 }), 'lifetime_too_long: 3601 seconds, of at most 3600'],
    'a sentence of its own': [
      () => idJag({ client_id: text }),
      'wrong_client: issued for "\\"x\\", granted to \\"admin\\"\\n2026-11-20 granted"',
    ],
    'more than anybody reads': [
      () => idJag({ client_id: 'x'.repeat(9000) }),
      `wrong_client: issued for "${'x'.repeat(118)}…`,
    ],
    'an algorithm of somebody else': [
      () => idJag({}, { alg: 'RS256', kid: 'rs' }, rs256.privateKey),
      `algorithm_not_allowed: alg is "RS256", of ${IDP}`,
      {
        get issuers() {
          return { [IDP]: { jwks, algorithms: ['ES256'] } };
        },
      },
    ],
  };
  it.each(Object.keys(explained))('for %s', async (name) => {
    const [assertion, reason, more] = explained[name] ?? [];
    const failure: unknown = await verifyIdJag((await assertion?.()) ?? '', options(more)).catch(
      (error: unknown) => error,
    );
    if (!(failure instanceof IdJagError)) throw failure;
    expect(`${failure.code}: ${failure.detail}`).toBe(reason);
    // The client is told one fixed sentence.
    expect(failure.message).toBe(ID_JAG_ERRORS[failure.code].message);
  });
});

describe('a bad ID-JAG is refused', () => {
  it.each(Object.entries(bad))('%s', async (_name, { assertion, code, oauthError, options: more }) => {
    const given = await assertion();
    const store = memoryReplayStore({ now: () => NOW });
    const reserve = store.reserve.bind(store);
    let reserved = 0;
    store.reserve = (id, expiresAt) => {
      reserved += 1;
      return reserve(id, expiresAt);
    };
    const failure: unknown = await verifyIdJag(given, options({ replay: { singleUse: store }, ...more })).catch(
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(IdJagError);
    expect(failure).toMatchObject({ code, oauthError: oauthError ?? 'invalid_grant' });
    const signature = given.split('.')[2];
    if (signature !== undefined && signature.length > 10) expect(JSON.stringify(failure)).not.toContain(signature);
    expect(reserved).toBe(0);
  });

  it('before anything is fetched where its issuer is not trusted', async () => {
    let fetched = 0;
    const assertion = await idJag({ iss: 'https://evil.example' });
    await expect(
      verifyIdJag(assertion, {
        ...options(),
        issuers: { [IDP]: {} },
        fetch: () => {
          fetched += 1;
          return Promise.reject(new Error('not to be called'));
        },
      }),
    ).rejects.toMatchObject({ code: 'issuer_not_trusted', detail: '"https://evil.example"' });
    expect(fetched).toBe(0);
  });

  it('without letting an issuer forge a line of the audit log', async () => {
    const assertion = await idJag({ iss: 'https://evil.example\n2026-11-20 granted' });
    await expect(verifyIdJag(assertion, options())).rejects.toMatchObject({
      detail: String.raw`"https://evil.example\n2026-11-20 granted"`,
    });
  });
});
