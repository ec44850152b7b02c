import { STATUS_CODES } from 'node:http';

/**
 * The error codes with which a token endpoint says that the same request will be refused again: RFC 6749 section 5.2 and 4.1.2.1,
 * RFC 8693 and 8707 (`invalid_target`), RFC 9396 section 5, RFC 9449 sections 5 and 8, and RFC 9470 section 3. `server_error` and `temporarily_unavailable` are not among them.
 */
const LASTING: ReadonlySet<string> = new Set([
  'invalid_request',
  'invalid_client',
  'invalid_grant',
  'unauthorized_client',
  'unsupported_grant_type',
  'unsupported_response_type',
  'invalid_scope',
  'access_denied',
  'invalid_target',
  'invalid_authorization_details',
  'invalid_dpop_proof',
  'use_dpop_nonce',
  'insufficient_user_authentication',
]);

/**
 * Whether `error` is a registered OAuth error code that a later attempt would get as well. The member `error` of a framework's error
 * page, such as `Service Unavailable`, and a code that a vendor invents for an outage, do not count.
 */
export function isLastingOAuthError(error: unknown): boolean {
  return typeof error === 'string' && LASTING.has(error);
}

/**
 * Whether the body of an error response is that of a framework, such as `{"status":404,"error":"Not Found","path":"/token"}`. Its `error`
 * is the reason phrase of the status (RFC 9110 section 15).
 */
export function isReasonPhrase(error: string, status: number): boolean {
  const plain = (text: string) => text.toLowerCase().replace(/[^a-z]/gu, '');
  return plain(error) === plain(STATUS_CODES[status] ?? '');
}

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
