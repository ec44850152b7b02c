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
  'alg None in capitals': {
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
  'a kid that is no string': { assertion: () => issuer.sign({}, { kid: 7 as never }), code: 'malformed' },
  'a header with a member twice': {
    assertion: async () => {
      const [, payload, signature] = (await issuer.sign()).split('.');
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
        .sign(issuer.es256.privateKey);
    },
    code: 'malformed',
  },
  'four parts': { assertion: async () => `${await issuer.sign()}.x`, code: 'malformed' },
  'a critical extension': {
    assertion: () => issuer.sign({}, { crit: ['urn:example'], 'urn:example': true }),
    code: 'critical_header',
  },
  'an issuer that is not trusted': {
    assertion: () => issuer.sign({ iss: 'https://evil.example' }),
    code: 'issuer_not_trusted',
  },
  'the issuer with a slash more': { assertion: () => issuer.sign({ iss: `${IDP}/` }), code: 'issuer_not_trusted' },
  'the issuer in other letters': {
    assertion: () => issuer.sign({ iss: 'https://IDP.example' }),
    code: 'issuer_not_trusted',
  },
  'an issuer named like an object member': {
    assertion: () => issuer.sign({ iss: 'constructor' }),
    code: 'issuer_not_trusted',
  },
  'no iss': { assertion: () => issuer.sign({ iss: undefined }), code: 'missing_claim' },
  'iss a list': { assertion: () => issuer.sign({ iss: [IDP] }), code: 'invalid_claim' },
  'a kid nobody published': { assertion: () => issuer.sign({}, { kid: 'unknown' }), code: 'unknown_key' },
  'a kid of a key of another algorithm': { assertion: () => issuer.sign({}, { kid: 'rs' }), code: 'unknown_key' },
  "a stranger's signature under our kid": {
    assertion: () => issuer.sign({}, {}, issuer.stranger.privateKey),
    code: 'bad_signature',
  },
  'an own key in the header': {
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
  'another aud': { assertion: () => issuer.sign({ aud: 'https://other.example' }), code: 'wrong_audience' },
  'the token endpoint as aud': { assertion: () => issuer.sign({ aud: `${AS}/token` }), code: 'wrong_audience' },
  'two aud': { assertion: () => issuer.sign({ aud: [AS, 'https://other.example'] }), code: 'wrong_audience' },
  'the same aud twice': { assertion: () => issuer.sign({ aud: [AS, AS] }), code: 'wrong_audience' },
  'an empty list of aud': { assertion: () => issuer.sign({ aud: [] }), code: 'wrong_audience' },
  'another client': { assertion: () => issuer.sign({ client_id: 'somebody' }), code: 'wrong_client' },
  'no client_id': { assertion: () => issuer.sign({ client_id: undefined }), code: 'missing_claim' },
  'client_id a list': { assertion: () => issuer.sign({ client_id: ['bot-at-as'] }), code: 'invalid_claim' },
  'no exp': { assertion: () => issuer.sign({ exp: undefined }), code: 'missing_claim' },
  'exp a string': { assertion: () => issuer.sign({ exp: String(NOW_S + 290) }), code: 'invalid_claim' },
  'exp beyond all dates': { assertion: () => issuer.sign({ exp: 1e300 }), code: 'invalid_claim' },
  'exp in the past': { assertion: () => issuer.sign({ exp: NOW_S - 6 }), code: 'expired' },
  'no iat': { assertion: () => issuer.sign({ iat: undefined }), code: 'missing_claim' },
  'iat in the future': { assertion: () => issuer.sign({ iat: NOW_S + 60 }), code: 'not_yet_valid' },
  'iat after exp': {
    assertion: () => issuer.sign({ iat: NOW_S + 4, exp: NOW_S + 2 }),
    code: 'invalid_claim',
  },
  'nbf in the future': { assertion: () => issuer.sign({ nbf: NOW_S + 60 }), code: 'not_yet_valid' },
  'a life of two hours': { assertion: () => issuer.sign({ exp: NOW_S + 7200 }), code: 'lifetime_too_long' },
  'a life longer than configured': {
    assertion: () => issuer.sign(),
    code: 'lifetime_too_long',
    options: { maxLifetimeSeconds: 60 },
  },
  'no jti': { assertion: () => issuer.sign({ jti: undefined }), code: 'missing_claim' },
  'an empty jti': { assertion: () => issuer.sign({ jti: '' }), code: 'invalid_claim' },
  'jti a number': { assertion: () => issuer.sign({ jti: 7 }), code: 'invalid_claim' },
  'no sub': { assertion: () => issuer.sign({ sub: undefined }), code: 'missing_claim' },
  'sub with half of a character': { assertion: () => issuer.sign({ sub: 'bot\ud800' }), code: 'malformed' },
  'a group with half of a character': { assertion: () => issuer.sign({ groups: ['\udc00'] }), code: 'malformed' },
  'sub null': { assertion: () => issuer.sign({ sub: null }), code: 'invalid_claim' },
  'another resource': {
    assertion: () => issuer.sign({ resource: 'https://other.example/mcp' }),
    code: 'wrong_resource',
    oauthError: 'invalid_target',
  },
  'resource a number': { assertion: () => issuer.sign({ resource: 7 }), code: 'invalid_claim' },
  'resource an empty list': { assertion: () => issuer.sign({ resource: [] }), code: 'invalid_claim' },
  'resource with a fragment': { assertion: () => issuer.sign({ resource: `${RESOURCE}#x` }), code: 'invalid_claim' },
  'scope a list': { assertion: () => issuer.sign({ scope: ['issues:read'] }), code: 'invalid_claim' },
  'scope with a quote': { assertion: () => issuer.sign({ scope: 'issues:read "' }), code: 'invalid_claim' },
  'authorization_details an object': {
    assertion: () => issuer.sign({ authorization_details: { type: 'x' } }),
    code: 'invalid_claim',
  },
  'act a string': { assertion: () => issuer.sign({ act: 'operator' }), code: 'invalid_claim' },
  'a tenant of an issuer that has none': { assertion: () => issuer.sign({ tenant: 'acme' }), code: 'wrong_tenant' },
  'a tenant of ours though there is none': {
    assertion: () => issuer.sign({ aud_tenant: 'acme' }),
    code: 'wrong_audience_tenant',
  },
  'groups a string': { assertion: () => issuer.sign({ groups: 'admins' }), code: 'invalid_claim' },
  'roles with a number': { assertion: () => issuer.sign({ roles: ['a', 7] }), code: 'invalid_claim' },
  'email without a domain': { assertion: () => issuer.sign({ email: 'bot' }), code: 'invalid_claim' },
  'email_verified a string': {
    assertion: () => issuer.sign({ email: 'bot@acme.example', email_verified: 'true' }),
    code: 'invalid_claim',
  },
  'aud_sub a number': { assertion: () => issuer.sign({ aud_sub: 7 }), code: 'invalid_claim' },
  'auth_time a string': { assertion: () => issuer.sign({ auth_time: '7' }), code: 'invalid_claim' },
  'amr a string': { assertion: () => issuer.sign({ amr: 'pwd' }), code: 'invalid_claim' },
  'tenant a number': { assertion: () => issuer.sign({ tenant: 7 }), code: 'invalid_claim' },
  'bound, without a proof': { assertion: () => issuer.sign({ cnf: { jkt: THUMBPRINT } }), code: 'proof_required' },
  'bound, with a proof by another key': {
    assertion: () => issuer.sign({ cnf: { jkt: THUMBPRINT } }),
    code: 'proof_mismatch',
    options: { dpopThumbprint: 'b'.repeat(43) },
  },
  'bound in a way unknown here': {
    assertion: () => issuer.sign({ cnf: { 'x5t#S256': THUMBPRINT } }),
    code: 'unsupported_confirmation',
    options: { dpopThumbprint: THUMBPRINT },
  },
  'bound in two ways': {
    assertion: () => issuer.sign({ cnf: { jkt: THUMBPRINT, 'x5t#S256': THUMBPRINT } }),
    code: 'unsupported_confirmation',
    options: { dpopThumbprint: THUMBPRINT },
  },
  'an empty cnf': { assertion: () => issuer.sign({ cnf: {} }), code: 'unsupported_confirmation' },
};

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
    const failure: unknown = await verifyIdJag(given, issuer.options({ replay: { singleUse: store }, ...more })).catch(
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

  it('without letting an issuer forge a line of the audit log', async () => {
    const assertion = await issuer.sign({ iss: 'https://evil.example\n2026-11-20 granted' });
    await expect(verifyIdJag(assertion, issuer.options())).rejects.toMatchObject({
      detail: String.raw`"https://evil.example\n2026-11-20 granted"`,
    });
  });
});
