import { ID_JAG_ERRORS, IdJagError } from '@credence/protocol';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { AS, IDP, IdJags, NOW_S, withHeader } from '../../../../test/support/roles/id-jags.ts';
import type { VerifyIdJagOptions } from './options.ts';
import { verifyIdJag } from './verify.ts';

let issuer: IdJags;

beforeAll(async () => {
  issuer = await IdJags.create();
});

describe('the detail of an IdJagError tells an administrator what was found', () => {
  const text = '"x", granted to "admin"\n2026-11-20 granted';
  const cases: Record<string, [() => Promise<string>, string, Partial<VerifyIdJagOptions>?]> = {
    'another type': [() => issuer.sign({}, { typ: 'JWT' }), 'wrong_type: typ is "JWT"'],
    'no type': [() => issuer.sign({}, { typ: undefined as never }), 'wrong_type: typ is none'],
    'the algorithm none': [
      async () => withHeader(await issuer.sign(), { alg: 'none', typ: 'oauth-id-jag+jwt' }),
      'algorithm_not_allowed: alg is "none"',
    ],
    'an issuer with a sentence in it': [
      () => issuer.sign({ iss: 'https://idp.example: signed by hand, granted by the administrator' }),
      'issuer_not_trusted: "https://idp.example: signed by hand, granted by the administrator"',
    ],
    'a tenant with a sentence in it': [
      () => issuer.sign({ tenant: 'a, granted to admin' }),
      'wrong_tenant: tenant "a, granted to admin"',
    ],
    'an unknown key': [() => issuer.sign({}, { kid: 'new' }), `unknown_key: kid "new" of ${IDP}`],
    'a signature by another key': [
      () => issuer.sign({}, {}, issuer.stranger.privateKey),
      `bad_signature: kid "es" of ${IDP}`,
    ],
    'another audience': [
      () => issuer.sign({ aud: [`${AS}/token`, 7] }),
      `wrong_audience: found ["${AS}/token",7], expected "${AS}"`,
    ],
    'another client': [() => issuer.sign({ client_id: 'somebody' }), 'wrong_client: issued for "somebody"'],
    'another resource': [
      () => issuer.sign({ resource: 'https://other.example/mcp' }),
      'wrong_resource: found ["https://other.example/mcp"]',
    ],
    'an expired ID-JAG': [() => issuer.sign({ exp: NOW_S - 6.5 }), 'expired: 6 seconds ago'],
    'an iat in the future': [
      () => issuer.sign({ iat: NOW_S + 60 }),
      'not_yet_valid: iat is 60 seconds ahead of this clock',
    ],
    'an nbf in the future': [
      () => issuer.sign({ nbf: NOW_S + 61 }),
      'not_yet_valid: nbf is 61 seconds ahead of this clock',
    ],
    'a long lifetime': [() => issuer.sign({ exp: NOW_S + 3591 }), 'lifetime_too_long: 3601 seconds, of at most 3600'],
    'a client with a line break and quotes': [
      () => issuer.sign({ client_id: text }),
      'wrong_client: issued for "\\"x\\", granted to \\"admin\\"\\n2026-11-20 granted"',
    ],
    'a client with 9000 characters': [
      () => issuer.sign({ client_id: 'x'.repeat(9000) }),
      `wrong_client: issued for "${'x'.repeat(118)}…`,
    ],
    'an algorithm that is not allowed for this issuer': [
      () => issuer.sign({}, { alg: 'RS256', kid: 'rs' }, issuer.rs256.privateKey),
      `algorithm_not_allowed: alg is "RS256", of ${IDP}`,
      {
        get issuers() {
          return { [IDP]: { jwks: issuer.jwks, algorithms: ['ES256'] } };
        },
      },
    ],
  };
  it.each(Object.keys(cases))('for %s', async (name) => {
    const [assertion, reason, more] = cases[name] ?? [];
    const failure: unknown = await verifyIdJag((await assertion?.()) ?? '', issuer.options(more)).catch(
      (error: unknown) => error,
    );
    if (!(failure instanceof IdJagError)) throw failure;
    expect(`${failure.code}: ${failure.detail}`).toBe(reason);
    // The message for the client is one fixed sentence.
    expect(failure.message).toBe(ID_JAG_ERRORS[failure.code].message);
  });
});
