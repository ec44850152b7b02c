/** Every `code` a CredenceError can have, with the situation it stands for. */
export const ERROR_CODES = {
  // configure
  invalid_configuration: 'an option is missing, misspelt or of the wrong kind',
  invalid_key: 'the key given cannot sign what it is meant to sign',
  unknown_server: 'no server of that name or URL is configured',
  scope_outside_ceiling: 'a scope was asked for that the configuration does not allow',
  credential_unavailable: 'a callback or file that should give a credential or a subject token did not',
  closed: 'the principal was closed',
  // any leg that talks to a peer
  unreachable: 'the peer could not be reached',
  timeout: 'the peer did not answer in time',
  rate_limited: 'the peer answered 429',
  peer_unavailable: 'the peer answered 5xx',
  invalid_response: 'the answer is not what the protocol says it must be',
  response_too_large: 'the answer is larger than any honest one',
  redirect_refused: 'the peer answered with a redirect, which is never followed with a credential',
  forbidden_url: 'a URL is not https, or is a loopback or private address named by a peer',
  oauth_error: 'an OAuth error without a code of its own here',
  // discover
  metadata_not_found: 'no metadata document was found',
  issuer_mismatch: 'the metadata or the answer is of another issuer than the configured one',
  resource_mismatch: 'the metadata or the answer is about another resource than the configured one',
  ambiguous_issuer: 'the server names several authorization servers and none is pinned',
  issuer_changed: 'a discovered issuer is not the one discovered first',
  // authenticate, exchange, redeem
  invalid_client: 'the client is unknown there or its authentication failed',
  unauthorized_client: 'the client may not use this grant',
  access_denied: 'policy says no',
  invalid_grant: 'the assertion or token presented was not accepted',
  invalid_scope: 'a scope is unknown or not allowed',
  invalid_target: 'the audience or resource is unknown or not allowed',
  invalid_request: 'the request was malformed for this peer',
  unsupported_grant_type: 'the peer does not offer this grant',
  step_up_required: 'the IdP wants a stronger authentication of the subject',
  invalid_id_jag: 'the IdP issued an ID-JAG that does not say what it must',
  scope_not_granted: 'an explicitly requested scope was not granted',
  // call
  token_refused: 'the MCP server refused a fresh token',
  insufficient_scope: 'the MCP server wants a scope the token does not have',
  forbidden: 'the MCP server answered 403 without saying which scope is missing',
  cross_origin_refused: 'a request was to go to another origin than the configured server',
  cancelled: 'the call was cancelled before it was sent',
} as const;

/** The `code` of a CredenceError: a key of {@link ERROR_CODES}, which explains each. */
export type ErrorCode = keyof typeof ERROR_CODES;
