import { STATUS_CODES } from 'node:http';

/** The error codes of RFC 6749, 6750, 7591, 8628, 8693, 8707, 9396, 9449, 9470 and OpenID Connect. */
const OAUTH_ERRORS: ReadonlySet<string> = new Set([
  'access_denied',
  'account_selection_required',
  'authorization_pending',
  'consent_required',
  'expired_token',
  'insufficient_scope',
  'insufficient_user_authentication',
  'interaction_required',
  'invalid_authorization_details',
  'invalid_client',
  'invalid_client_metadata',
  'invalid_dpop_proof',
  'invalid_grant',
  'invalid_request',
  'invalid_scope',
  'invalid_target',
  'invalid_token',
  'login_required',
  'server_error',
  'slow_down',
  'temporarily_unavailable',
  'unauthorized_client',
  'unsupported_grant_type',
  'unsupported_response_type',
  'unsupported_token_type',
  'use_dpop_nonce',
]);

/**
 * The OAuth error code for a metric: a registered code, or `other`. A peer chooses its error codes, and each label value is a time
 * series of its own, so a peer must not choose label values.
 */
export function oauthErrorLabel(error: string): string {
  return OAUTH_ERRORS.has(error) ? error : 'other';
}

/** The HTTP status for a metric: a registered status code, or the first code of its class (RFC 9110 section 15). */
export function statusLabel(status: number): number {
  return STATUS_CODES[status] === undefined ? Math.floor(status / 100) * 100 : status;
}
