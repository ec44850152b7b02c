import { IdJagError, type IdJagErrorCode, memoryReplayStore } from '@credence/protocol';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { base64url, CompactSign, exportJWK, UnsecuredJWT } from 'jose';
import {
  IdJags,
  AS,
  goodClaims,
  IDP,
  NOW,
  NOW_S,
  RESOURCE,
  THUMBPRINT,
  withHeader,
} from '../../../../test/support/roles/id-jags.ts';
import type { VerifyIdJagOptions } from './options.ts';
import { verifyIdJag } from './verify.ts';

let issuer: IdJags;

beforeAll(async () => {
  issuer = await IdJags.create();
});

interface InvalidCase {
  assertion: () => Promise<string> | string;
  code: IdJagErrorCode;
  oauthError?: string;
  options?: Partial<VerifyIdJagOptions>;
}

const invalid: Record<string, InvalidCase> = {
  'empty text as its whole content': { assertion: () => '', code: 'malformed' },
  'three parts that are not base64url JSON': { assertion: () => 'not.a.jwt', code: 'malformed' },
  'two parts, without a signature': {
    assertion: async () => (await issuer.sign()).split('.').slice(0, 2).join('.'),
    code: 'malformed',
  },
  'more than 16 KiB': { assertion: () => issuer.sign({ padding: 'x'.repeat(17_000) }), code: 'too_large' },
  'no typ': { assertion: () => issuer.sign({}, { typ: undefined as never }), code: 'wrong_type' },
  'typ JWT': { assertion: () => issuer.sign({}, { typ: 'JWT' }), code: 'wrong_type' },
  'typ at+jwt': { assertion: () => issuer.sign({}, { typ: 'at+jwt' }), code: 'wrong_type' },
  'typ with an underscore': { assertion: () => issuer.sign({}, { typ: 'oauth-id_jag+jwt' }), code: 'wrong_type' },
  'alg none': {
    assertion: () => withHeader(new UnsecuredJWT(goodClaims()).encode(), { alg: 'none', typ: 'oauth-id-jag+jwt' }),
    code: 'algorithm_not_allowed',
  },
  'alg None': {
    assertion: async () => withHeader(await issuer.sign(), { alg: 'None', typ: 'oauth-id-jag+jwt', kid: 'es' }),
    code: 'algorithm_not_allowed',
  },
  'an HMAC keyed with the public key': {
    assertion: () =>
      issuer.sign({}, { alg: 'HS256' }, new TextEncoder().encode(JSON.stringify(issuer.jwks.keys[0]).padEnd(32, ' '))),
    code: 'algorithm_not_allowed',
  },
  'an algorithm this issuer does not use': {
    assertion: () => issuer.sign({}, { alg: 'RS256', kid: 'rs' }, issuer.rs256.privateKey),
    code: 'algorithm_not_allowed',
    options: {
      get issuers() {
        return { [IDP]: { jwks: issuer.jwks, algorithms: ['ES256'] } };
      },
    },
  },
  'a kid that is not a string': { assertion: () => issuer.sign({}, { kid: 7 as never }), code: 'malformed' },
  'a repeated header member': {
    assertion: async () => {
      const [, payload, signature] = (await issuer.sign()).split('.');
      const header = '{"alg":"ES256","typ":"JWT","kid":"es","typ":"oauth-id-jag+jwt"}';
      return `${base64url.encode(header)}.${payload}.${signature}`;
    },
    code: 'malformed',
  },
  'a repeated claim': {
    assertion: async () => {
      const claims = JSON.stringify(goodClaims()).replace('{', '{"sub":"admin",');
      return new CompactSign(new TextEncoder().encode(claims))
        .setProtectedHeader({ alg: 'ES256', kid: 'es', typ: 'oauth-id-jag+jwt' })
        .sign(issuer.es256.privateKey);
    },
    code: 'malformed',
  },
  'four parts': { assertion: async () => `${await issuer.sign()}.x`, code: 'malformed' },
  'a critical header extension': {
    assertion: () => issuer.sign({}, { crit: ['urn:example'], 'urn:example': true }),
    code: 'critical_header',
  },
  'an issuer that is not trusted': {
    assertion: () => issuer.sign({ iss: 'https://evil.example' }),
    code: 'issuer_not_trusted',
  },
  'the issuer with a trailing slash': { assertion: () => issuer.sign({ iss: `${IDP}/` }), code: 'issuer_not_trusted' },
  'the issuer in upper case': {
    assertion: () => issuer.sign({ iss: 'https://IDP.example' }),
    code: 'issuer_not_trusted',
  },
  'an issuer with the name of an object member': {
    assertion: () => issuer.sign({ iss: 'constructor' }),
    code: 'issuer_not_trusted',
  },
  'no iss': { assertion: () => issuer.sign({ iss: undefined }), code: 'missing_claim' },
  'a list as iss': { assertion: () => issuer.sign({ iss: [IDP] }), code: 'invalid_claim' },
  'a kid that is not published': { assertion: () => issuer.sign({}, { kid: 'unknown' }), code: 'unknown_key' },
  'a kid of a key with another algorithm': { assertion: () => issuer.sign({}, { kid: 'rs' }), code: 'unknown_key' },
  'a signature by another key under a published kid': {
    assertion: () => issuer.sign({}, {}, issuer.stranger.privateKey),
    code: 'bad_signature',
  },
  'the signing key as jwk in the header': {
    assertion: async () =>
      issuer.sign({}, { jwk: await exportJWK(issuer.stranger.publicKey) }, issuer.stranger.privateKey),
    code: 'bad_signature',
  },
  'claims changed after signing': {
    assertion: async () => {
      const [header, , signature] = (await issuer.sign()).split('.');
      return `${header}.${base64url.encode(JSON.stringify({ ...goodClaims(), sub: 'admin' }))}.${signature}`;
    },
    code: 'bad_signature',
  },
  'no aud': { assertion: () => issuer.sign({ aud: undefined }), code: 'missing_claim' },
  'another audience': { assertion: () => issuer.sign({ aud: 'https://other.example' }), code: 'wrong_audience' },
  'the token endpoint as aud': { assertion: () => issuer.sign({ aud: `${AS}/token` }), code: 'wrong_audience' },
  'two audiences': { assertion: () => issuer.sign({ aud: [AS, 'https://other.example'] }), code: 'wrong_audience' },
  'the same audience twice': { assertion: () => issuer.sign({ aud: [AS, AS] }), code: 'wrong_audience' },
  'an empty list as aud': { assertion: () => issuer.sign({ aud: [] }), code: 'wrong_audience' },
  'another client_id': { assertion: () => issuer.sign({ client_id: 'somebody' }), code: 'wrong_client' },
  'no client_id': { assertion: () => issuer.sign({ client_id: undefined }), code: 'missing_claim' },
  'a list as client_id': { assertion: () => issuer.sign({ client_id: ['bot-at-as'] }), code: 'invalid_claim' },
  'no exp': { assertion: () => issuer.sign({ exp: undefined }), code: 'missing_claim' },
  'a string as exp': { assertion: () => issuer.sign({ exp: String(NOW_S + 290) }), code: 'invalid_claim' },
  'an exp that is too large for a Date': { assertion: () => issuer.sign({ exp: 1e300 }), code: 'invalid_claim' },
  'exp in the past': { assertion: () => issuer.sign({ exp: NOW_S - 6 }), code: 'expired' },
  'no iat': { assertion: () => issuer.sign({ iat: undefined }), code: 'missing_claim' },
  'iat in the future': { assertion: () => issuer.sign({ iat: NOW_S + 60 }), code: 'not_yet_valid' },
  'iat after exp': {
    assertion: () => issuer.sign({ iat: NOW_S + 4, exp: NOW_S + 2 }),
    code: 'invalid_claim',
  },
  'nbf in the future': { assertion: () => issuer.sign({ nbf: NOW_S + 60 }), code: 'not_yet_valid' },
  'a lifetime of two hours': { assertion: () => issuer.sign({ exp: NOW_S + 7200 }), code: 'lifetime_too_long' },
  'a lifetime longer than maxLifetimeSeconds': {
    assertion: () => issuer.sign(),
    code: 'lifetime_too_long',
    options: { maxLifetimeSeconds: 60 },
  },
  'no jti': { assertion: () => issuer.sign({ jti: undefined }), code: 'missing_claim' },
  'an empty jti': { assertion: () => issuer.sign({ jti: '' }), code: 'invalid_claim' },
  'a number as jti': { assertion: () => issuer.sign({ jti: 7 }), code: 'invalid_claim' },
  'no sub': { assertion: () => issuer.sign({ sub: undefined }), code: 'missing_claim' },
  'a sub with an unpaired surrogate': { assertion: () => issuer.sign({ sub: 'bot\ud800' }), code: 'malformed' },
  'a group with an unpaired surrogate': { assertion: () => issuer.sign({ groups: ['\udc00'] }), code: 'malformed' },
  'null as sub': { assertion: () => issuer.sign({ sub: null }), code: 'invalid_claim' },
  'another resource': {
    assertion: () => issuer.sign({ resource: 'https://other.example/mcp' }),
    code: 'wrong_resource',
  },
  'another resource besides one of the server': {
    assertion: () => issuer.sign({ resource: [RESOURCE, 'https://other.example/mcp'] }),
    code: 'wrong_resource',
  },
  'a resource twice': { assertion: () => issuer.sign({ resource: [RESOURCE, RESOURCE] }), code: 'invalid_claim' },
  'a resource twice, once with a final slash': {
    assertion: () => issuer.sign({ resource: ['https://mcp.example', 'https://mcp.example/'] }),
    code: 'invalid_claim',
  },
  'a resource in another spelling': {
    assertion: () => issuer.sign({ resource: RESOURCE.replace('https:', 'HTTPS:') }),
    code: 'invalid_claim',
  },
  'a number as resource': { assertion: () => issuer.sign({ resource: 7 }), code: 'invalid_claim' },
  'an empty list as resource': { assertion: () => issuer.sign({ resource: [] }), code: 'invalid_claim' },
  'a resource with a fragment': { assertion: () => issuer.sign({ resource: `${RESOURCE}#x` }), code: 'invalid_claim' },
  'a list as scope': { assertion: () => issuer.sign({ scope: ['issues:read'] }), code: 'invalid_claim' },
  'a scope with a quote': { assertion: () => issuer.sign({ scope: 'issues:read "' }), code: 'invalid_claim' },
  'an object as authorization_details': {
    assertion: () => issuer.sign({ authorization_details: { type: 'x' } }),
    code: 'invalid_claim',
  },
  'a string as act': { assertion: () => issuer.sign({ act: 'operator' }), code: 'invalid_claim' },
  'a tenant of an issuer without tenants': { assertion: () => issuer.sign({ tenant: 'acme' }), code: 'wrong_tenant' },
  'an aud_tenant without audienceTenants': {
    assertion: () => issuer.sign({ aud_tenant: 'acme' }),
    code: 'wrong_audience_tenant',
  },
  'a string as groups': { assertion: () => issuer.sign({ groups: 'admins' }), code: 'invalid_claim' },
  'a number in roles': { assertion: () => issuer.sign({ roles: ['a', 7] }), code: 'invalid_claim' },
  'an email without a domain': { assertion: () => issuer.sign({ email: 'bot' }), code: 'invalid_claim' },
  'a string as email_verified': {
    assertion: () => issuer.sign({ email: 'bot@acme.example', email_verified: 'true' }),
    code: 'invalid_claim',
  },
  'a number as aud_sub': { assertion: () => issuer.sign({ aud_sub: 7 }), code: 'invalid_claim' },
  'a string as auth_time': { assertion: () => issuer.sign({ auth_time: '7' }), code: 'invalid_claim' },
  'a string as amr': { assertion: () => issuer.sign({ amr: 'pwd' }), code: 'invalid_claim' },
  'a number as tenant': { assertion: () => issuer.sign({ tenant: 7 }), code: 'invalid_claim' },
  'a key binding without a proof': {
    assertion: () => issuer.sign({ cnf: { jkt: THUMBPRINT } }),
    code: 'proof_required',
  },
  'a key binding and a proof by another key': {
    assertion: () => issuer.sign({ cnf: { jkt: THUMBPRINT } }),
    code: 'proof_mismatch',
    options: { dpopThumbprint: 'b'.repeat(43) },
  },
  'an unsupported confirmation method': {
    assertion: () => issuer.sign({ cnf: { 'x5t#S256': THUMBPRINT } }),
    code: 'unsupported_confirmation',
    options: { dpopThumbprint: THUMBPRINT },
  },
  'two confirmation methods': {
    assertion: () => issuer.sign({ cnf: { jkt: THUMBPRINT, 'x5t#S256': THUMBPRINT } }),
    code: 'unsupported_confirmation',
    options: { dpopThumbprint: THUMBPRINT },
  },
  'an empty cnf': { assertion: () => issuer.sign({ cnf: {} }), code: 'unsupported_confirmation' },
};

describe('verifyIdJag refuses an ID-JAG', () => {
  it.each(Object.entries(invalid))('with %s', async (_name, { assertion, code, oauthError, options: more }) => {
    const given = await assertion();
    const store = memoryReplayStore({ now: () => NOW });
    const reserve = store.reserve.bind(store);
    let reserved = 0;
    store.reserve = (id, expiresAt) => {
      reserved += 1;
      return reserve(id, expiresAt);
    };
    const failure: unknown = await verifyIdJag(given, issuer.options({ replay: { singleUse: store }, ...more })).catch(
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(IdJagError);
    expect(failure).toMatchObject({ code, oauthError: oauthError ?? 'invalid_grant' });
    const signature = given.split('.')[2];
    if (signature !== undefined && signature.length > 10) expect(JSON.stringify(failure)).not.toContain(signature);
    expect(reserved).toBe(0);
  });

  it('of an issuer that is not trusted, without a request', async () => {
    let fetched = 0;
    const assertion = await issuer.sign({ iss: 'https://evil.example' });
    await expect(
      verifyIdJag(assertion, {
        ...issuer.options(),
        issuers: { [IDP]: {} },
        fetch: () => {
          fetched += 1;
          return Promise.reject(new Error('not to be called'));
        },
      }),
    ).rejects.toMatchObject({ code: 'issuer_not_trusted', detail: '"https://evil.example"' });
    expect(fetched).toBe(0);
  });

  it('without a line break of the issuer in the detail', async () => {
    const assertion = await issuer.sign({ iss: 'https://evil.example\n2026-11-20 granted' });
    await expect(verifyIdJag(assertion, issuer.options())).rejects.toMatchObject({
      detail: String.raw`"https://evil.example\n2026-11-20 granted"`,
    });
  });
});
