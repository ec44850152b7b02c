import { type AnswerEdit, type FakeAnswer, json } from './answer.ts';

/**
 * Answers of Okta. Its documentation describes the exchange for an ID-JAG at the org authorization server with `token_type`
 * `Bearer`, the OAuth errors of its token endpoint, and its own error object (`errorCode`, `errorSummary`, `errorLink`, `errorId`,
 * `errorCauses`) for a request that its OAuth endpoint does not process, for example because of the rate limit.
 */
export const okta = {
  /** Exchange: no access policy matches the request. Source: Okta's help centre, "Policy evaluation failed for this request". */
  notGranted: (): FakeAnswer =>
    json(400, {
      error: 'access_denied',
      error_description: 'Policy evaluation failed for this request, please check the policy configurations.',
    }),
  /** Authenticate: the client secret is wrong. Source: Okta's reference of the token endpoint. */
  wrongSecret: (): FakeAnswer =>
    json(401, {
      error: 'invalid_client',
      error_description: 'The client secret supplied for a confidential client is invalid.',
    }),
  /** Any leg: the rate limit. `resetSeconds` is the time since the epoch at which it ends. Source: Okta's rate limit reference. */
  rateLimited: (resetSeconds = 1_800_000_000): FakeAnswer =>
    json(429, oktaError('E0000047', 'API call exceeded rate limit due to too many requests.'), {
      'x-rate-limit-limit': '600',
      'x-rate-limit-remaining': '0',
      'x-rate-limit-reset': String(resetSeconds),
    }),
  /** Any leg: Okta's own error object, for a URL that is not the token endpoint. Source: Okta's list of error codes. */
  notTheTokenEndpoint: (): FakeAnswer =>
    json(404, oktaError('E0000022', 'The endpoint does not support the provided HTTP method')),
  /** Exchange: an ID-JAG with `token_type` `Bearer` and without `resource`. Source: Okta's guide to Cross App Access. */
  idJag: (): AnswerEdit => ({ members: { token_type: 'Bearer', expires_in: 300, resource: undefined } }),
  /** Authenticate: an agent's own token of a custom authorization server. Source: Okta's guide to agent-to-agent access. */
  agentToken: (): AnswerEdit => ({ members: { token_type: 'Bearer', expires_in: 3600, scope: 'agent.access' } }),
} as const;

function oktaError(errorCode: string, errorSummary: string): Readonly<Record<string, unknown>> {
  return { errorCode, errorSummary, errorLink: errorCode, errorId: 'oae-fixture', errorCauses: [] };
}
