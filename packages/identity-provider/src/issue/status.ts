/**
 * The outcome of a request as a code. The member `reason` of the audit record explains it in a sentence.
 *
 * - `granted`: an ID-JAG is issued
 * - `refused_by_provider`: oidc-provider refused the request before the exchange (client authentication, a repeated parameter)
 * - `malformed_request`: a parameter is missing, not supported or invalid
 * - `client_not_allowed`: the client does not authenticate, and public clients are not allowed
 * - `proof_refused`: the DPoP proof is missing or invalid
 * - `subject_token_refused`, `actor_token_refused`: the token is invalid
 * - `keys_unavailable`: the keys of a workload platform cannot be fetched at the moment
 * - `principal_unknown`, `principal_disabled`: the policy has no such principal or user, or has disabled it
 * - `target_not_registered`: the policy has no server with this audience and resource
 * - `server_paused`: the policy has paused the server
 * - `client_not_registered`: the client has no client id at the server's authorization server
 * - `no_grant`: the subject holds no scope at the server
 * - `no_grant_for_scope`, `scope_not_enabled`: the subject does not hold the requested scope, or it is not enabled at the server
 * - `authentication_insufficient`: the user must sign in again, or with a stronger method
 * - `no_signing_key`: the identity provider has no key for the server's signature algorithm
 * - `denied_by_policy`: a policy function denied the request without a status
 * - `failed`: the policy, the keys or the store threw an error
 */
export type IssueStatus =
  | 'granted'
  | 'refused_by_provider'
  | 'malformed_request'
  | 'client_not_allowed'
  | 'proof_refused'
  | 'subject_token_refused'
  | 'actor_token_refused'
  | 'keys_unavailable'
  | DenialStatus
  | 'no_signing_key'
  | 'failed';

/** The cause of a denial by the policy. */
export type DenialStatus =
  | 'principal_unknown'
  | 'principal_disabled'
  | 'target_not_registered'
  | 'server_paused'
  | 'client_not_registered'
  | 'no_grant'
  | 'no_grant_for_scope'
  | 'scope_not_enabled'
  | 'authentication_insufficient'
  | 'denied_by_policy';
