/**
 * The error codes of OAuth that messages may contain: those of the registry "OAuth Extensions Error Registry" at IANA, of RFC 6749
 * section 5.2, RFC 7591 section 3.2.2, OpenID Connect Core section 3.1.2.6 and OpenID CIBA section 13. Any other code is a word that
 * the peer chose.
 */
const REGISTERED: ReadonlySet<string> = new Set([
  'access_denied',
  'account_selection_required',
  'authorization_pending',
  'consent_required',
  'expired_login_hint_token',
  'expired_token',
  'incompatible_ace_profiles',
  'insufficient_scope',
  'insufficient_user_authentication',
  'interaction_required',
  'invalid_authorization_details',
  'invalid_binding_message',
  'invalid_client',
  'invalid_client_metadata',
  'invalid_dpop_proof',
  'invalid_grant',
  'invalid_redirect_uri',
  'invalid_request',
  'invalid_request_object',
  'invalid_request_uri',
  'invalid_scope',
  'invalid_software_statement',
  'invalid_target',
  'invalid_token',
  'invalid_user_code',
  'login_required',
  'missing_user_code',
  'need_info',
  'registration_not_supported',
  'request_denied',
  'request_not_supported',
  'request_submitted',
  'request_uri_not_supported',
  'server_error',
  'slow_down',
  'temporarily_unavailable',
  'transaction_failed',
  'unapproved_software_statement',
  'unauthorized_client',
  'unknown_user_id',
  'unmet_authentication_requirements',
  'unsupported_grant_type',
  'unsupported_pop_key',
  'unsupported_response_type',
  'unsupported_token_type',
  'use_dpop_nonce',
]);

/** Whether an error code is registered, so that a message may contain it. */
export function isRegisteredErrorCode(code: string): boolean {
  return REGISTERED.has(code);
}
