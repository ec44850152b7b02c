import { type AnswerEdit, type FakeAnswer, json } from './answer.ts';

/**
 * Answers of C1 (ConductorOne). Its documentation describes the tokens, the two kinds of client authentication, that a scope which
 * the subject does not hold is left out without an error, and that the error is `invalid_grant` if the subject holds none. The
 * text of `error_description` is not documented. The refusal of an unregistered audience or resource is documented without its
 * error code, so there is no answer for it.
 */
export const c1 = {
  /** Exchange: the subject holds none of the requested scopes. Source: C1's documentation of ID-JAG; RFC 6749 section 5.2. */
  notGranted: (): FakeAnswer => json(400, { error: 'invalid_grant' }),
  /** Exchange: only these scopes were granted, because scopes that are not held are left out. Source: C1's documentation of ID-JAG. */
  fewerScopes: (scope: string): AnswerEdit => ({ members: { token_type: 'N_A', expires_in: 300, scope } }),
  /** Authenticate: the service principal's own token. Source: RFC 6749 section 5.1; C1 documents no other member. */
  ownToken: (): AnswerEdit => ({ members: { token_type: 'Bearer', expires_in: 3600, refresh_token: undefined } }),
  /** Authenticate: the own token for the token of a platform. Source: C1's documentation of custom OIDC providers, workload federation. */
  federatedToken: (): AnswerEdit => ({
    members: {
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      token_type: 'Bearer',
      expires_in: 1800,
    },
  }),
  /** Authenticate: the credential has expired (C1's expire within 180 days). Source: RFC 6749 section 5.2. */
  expiredCredential: (): FakeAnswer =>
    json(401, { error: 'invalid_client' }, { 'www-authenticate': 'Basic realm="c1"' }),
} as const;
