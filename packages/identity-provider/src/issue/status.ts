/**
 * What became of a request, in one word for machines; `reason` says it in a sentence for people.
 *
 * - `granted`
 * - `refused_by_provider`: before the request reached the grant (client authentication, a repeated parameter)
 * - `malformed_request`: a parameter is missing, not supported, or not what it must be
 * - `client_not_allowed`: a client that does not authenticate
 * - `proof_refused`: DPoP
 * - `subject_token_refused`, `actor_token_refused`
 * - `keys_unavailable`: of a workload platform, at the moment
 * - `principal_unknown`, `principal_disabled`
 * - `target_not_registered`: no server stands under this audience and resource
 * - `server_paused`
 * - `client_not_registered`: the client has no client id at the server's authorization server
 * - `no_grant`: the subject holds nothing at the server
 * - `no_grant_for_scope`, `scope_not_enabled`
 * - `authentication_insufficient`: the user has to sign in again, or by stronger means
 * - `no_signing_key`: none for the algorithm the server wants
 * - `denied_by_policy`: by a callback that gave no status of its own
 * - `failed`: the policy, the keys or the store broke
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

/** Why a policy denies. */
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
