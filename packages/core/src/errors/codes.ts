import type { Contact, Leg } from './leg.ts';

/** The `code` of a CredenceError: a key of {@link ERROR_CODES}, which explains each code. */
export type ErrorCode =
  | 'invalid_configuration'
  | 'invalid_key'
  | 'unknown_server'
  | 'scope_outside_ceiling'
  | 'credential_unavailable'
  | 'subject_changed'
  | 'no_principal'
  | 'unknown_principal'
  | 'too_many_principals'
  | 'unknown_tool'
  | 'closed'
  | 'unreachable'
  | 'timeout'
  | 'rate_limited'
  | 'peer_unavailable'
  | 'invalid_response'
  | 'response_too_large'
  | 'redirect_refused'
  | 'forbidden_url'
  | 'oauth_error'
  | 'metadata_not_found'
  | 'issuer_mismatch'
  | 'resource_mismatch'
  | 'ambiguous_issuer'
  | 'issuer_changed'
  | 'invalid_client'
  | 'unauthorized_client'
  | 'access_denied'
  | 'invalid_grant'
  | 'invalid_scope'
  | 'invalid_target'
  | 'invalid_request'
  | 'unsupported_grant_type'
  | 'step_up_required'
  | 'invalid_id_jag'
  | 'scope_not_granted'
  | 'excess_scope'
  | 'token_refused'
  | 'insufficient_scope'
  | 'forbidden'
  | 'wrong_principal'
  | 'cross_origin_refused'
  | 'request_too_large'
  | 'tool_removed'
  | 'cancelled';

/** The explanation of one `code` of a {@link CredenceError}. */
export interface ErrorCodeEntry {
  /** What the code means, in one clause. */
  readonly meaning: string;
  /** The legs that an error with this code can have. */
  readonly legs: readonly Leg[];
  /** Who can correct the cause. The error itself names one of them. */
  readonly contacts: readonly Contact[];
  /** What to do, for every error with this code. The `remedy` of the error itself is more exact. */
  readonly remedy: string;
}

const ENDPOINT_LEGS = ['authenticate', 'exchange', 'redeem'] as const;
const ACQUISITION_LEGS = ['discover', ...ENDPOINT_LEGS] as const;
const PEER_LEGS = [...ACQUISITION_LEGS, 'call'] as const;
const ADMINISTRATORS = ['idp-admin', 'server-owner'] as const;
const EVERYBODY = ['you', ...ADMINISTRATORS] as const;

/** Every `code` that a {@link CredenceError} can have. `npm run docs:errors` writes docs/errors.md from this table. */
export const ERROR_CODES: Readonly<Record<ErrorCode, ErrorCodeEntry>> = {
  // configure
  invalid_configuration: {
    meaning: 'an option is missing, misspelt or of the wrong kind',
    legs: ['configure'],
    contacts: ['you'],
    remedy: 'Correct the option that the message names.',
  },
  invalid_key: {
    meaning: 'a key cannot sign, or encrypt, what it is configured for',
    legs: ['configure'],
    contacts: ['you'],
    remedy: 'Give a key of the kind that the message names.',
  },
  unknown_server: {
    meaning: 'no server with this name or URL is configured',
    legs: ['configure'],
    contacts: ['you'],
    remedy: 'Use one of the configured names, or add the server to `servers`.',
  },
  scope_outside_ceiling: {
    meaning: 'the caller requested a scope that the configuration does not allow',
    legs: ['configure'],
    contacts: ['you'],
    remedy: "Add the scope to the server's `scopes` or `stepUp`, if the bot is meant to have it.",
  },
  credential_unavailable: {
    meaning: 'a callback or file that provides a credential or a subject token failed or returned nothing',
    legs: ['configure'],
    contacts: ['you'],
    remedy: 'Check the callback or the file that the message names.',
  },
  no_principal: {
    meaning: 'a run of an agent does not say for which principal of a pool it calls a tool',
    legs: ['configure'],
    contacts: ['you'],
    remedy: 'Pass the key of the principal in the `context` of the run.',
  },
  unknown_principal: {
    meaning: 'the function `create` of a pool failed for the key of a run',
    legs: ['configure'],
    contacts: ['you'],
    remedy: 'Check the key that the run passes, and what `create` needs for it.',
  },
  too_many_principals: {
    meaning: 'all principals of a pool are in use, and it cannot have more',
    legs: ['configure'],
    contacts: ['you'],
    remedy: 'Try again later, or raise `max` of the pool.',
  },
  unknown_tool: {
    meaning: 'the principal of a run does not have the tool that the run calls',
    legs: ['configure'],
    contacts: ['you'],
    remedy: 'If the principal is meant to have the tool, add its server to the configuration of the principal.',
  },
  closed: {
    meaning: 'the principal, its store, its tools or its pool was closed before this call',
    legs: ['configure', 'call'],
    contacts: ['you'],
    remedy: 'Create a new one, or call close() later.',
  },
  // every leg that sends requests to a peer
  unreachable: {
    meaning: 'the peer could not be reached',
    legs: ['configure', ...PEER_LEGS],
    contacts: EVERYBODY,
    remedy:
      'Check the URL, DNS, the proxy and TLS on the machine of the bot; if they are right, ask whether the peer is up.',
  },
  timeout: {
    meaning: 'the peer did not answer in time',
    legs: PEER_LEGS,
    contacts: EVERYBODY,
    remedy: 'Check that the peer is up and reachable; if it is only slow, raise `timeout`.',
  },
  rate_limited: {
    meaning: 'the peer answered 429',
    legs: PEER_LEGS,
    contacts: EVERYBODY,
    remedy: 'Wait for the time in `retryAfterSeconds`, or ask for a higher limit.',
  },
  peer_unavailable: {
    meaning: 'the peer answered 5xx, or lost the session twice',
    legs: PEER_LEGS,
    contacts: EVERYBODY,
    remedy: 'Try again later; if the error persists, contact the operator of the peer.',
  },
  invalid_response: {
    meaning: 'the answer breaks the protocol',
    legs: PEER_LEGS,
    contacts: EVERYBODY,
    remedy: 'Check that the URL is the right endpoint and that no proxy or login page answers in its place.',
  },
  response_too_large: {
    meaning: 'the answer is larger than the limit',
    legs: PEER_LEGS,
    contacts: EVERYBODY,
    remedy:
      'Check that the URL is the right endpoint; if a call has results of this size, raise `limits` of the server.',
  },
  redirect_refused: {
    meaning: 'the peer answered with a redirect that Credence does not follow',
    legs: PEER_LEGS,
    contacts: EVERYBODY,
    remedy: 'If the peer has moved, configure its new URL.',
  },
  forbidden_url: {
    meaning:
      'a URL is plain http (allowed only to loopback) or has a password, or a peer named a loopback or private address',
    legs: ['configure', ...PEER_LEGS],
    contacts: EVERYBODY,
    remedy: 'Use an https URL; in a private network, set `network.allowPrivateAddresses` or `network.allowHttp`.',
  },
  oauth_error: {
    meaning: 'an OAuth error that has no code of its own in this table',
    legs: ENDPOINT_LEGS,
    contacts: EVERYBODY,
    remedy: "Look the error up in that peer's documentation, or ask its operator.",
  },
  // discover
  metadata_not_found: {
    meaning: 'the peer publishes no metadata document',
    legs: ['discover'],
    contacts: EVERYBODY,
    remedy:
      'Check the spelling of the URL or issuer; if it is right, set `tokenEndpoint` or `resource` in the configuration.',
  },
  issuer_mismatch: {
    meaning: 'the metadata or the answer names another issuer than the configured one',
    legs: ACQUISITION_LEGS,
    contacts: ['you'],
    remedy: 'Configure the issuer exactly as its metadata spells it; a trailing slash counts.',
  },
  resource_mismatch: {
    meaning: 'the metadata or the answer names another resource than the configured one',
    legs: ['discover', 'exchange', 'redeem'],
    contacts: EVERYBODY,
    remedy:
      "Check the server's `url`; if it is right, the owner of the server must correct the resource in the metadata.",
  },
  ambiguous_issuer: {
    meaning: 'the server names several authorization servers and the configuration pins none',
    legs: ['discover'],
    contacts: ['you'],
    remedy: "Set the server's `issuer` to the authorization server that the credential was registered with.",
  },
  issuer_changed: {
    meaning: 'the server now names another authorization server than the one it named first',
    legs: ['discover'],
    contacts: ['server-owner'],
    remedy:
      'Ask the owner whether the server moved; then set its `issuer`. The credential was not sent to the new one.',
  },
  // authenticate, exchange, redeem
  invalid_client: {
    meaning: 'the peer does not know the client, or did not accept its authentication',
    legs: ENDPOINT_LEGS,
    contacts: EVERYBODY,
    remedy: 'Check the client id and the key or secret; if they are right, ask for the client to be registered there.',
  },
  unauthorized_client: {
    meaning: 'the client may not use this grant',
    legs: ENDPOINT_LEGS,
    contacts: EVERYBODY,
    remedy: 'Ask whether the principal was disabled; if it was not, ask for the grant to be enabled for it.',
  },
  access_denied: {
    meaning: 'the policy of the peer refuses this principal',
    legs: ENDPOINT_LEGS,
    contacts: EVERYBODY,
    remedy: 'Ask for the server and its scopes to be granted to this principal.',
  },
  invalid_grant: {
    meaning: 'the peer did not accept the assertion or token that was presented',
    legs: ENDPOINT_LEGS,
    contacts: EVERYBODY,
    remedy:
      'At the IdP, check the subject token. Ask whether the authorization server trusts the IdP and accepts its signing algorithm.',
  },
  invalid_scope: {
    meaning: 'a scope is unknown or not allowed',
    legs: ENDPOINT_LEGS,
    contacts: EVERYBODY,
    remedy: "Check the spelling of the server's `scopes`; if it is right, ask for the scope to be granted.",
  },
  invalid_target: {
    meaning: 'the audience or resource is unknown or not allowed',
    legs: ENDPOINT_LEGS,
    contacts: EVERYBODY,
    remedy: "Check the server's `url` and `issuer`; if they are right, ask for both to be registered at the peer.",
  },
  invalid_request: {
    meaning: 'the peer refused the request as malformed',
    legs: ENDPOINT_LEGS,
    contacts: EVERYBODY,
    remedy:
      'Read the error description; the peer may require a parameter that this version does not send, or not know the subject token type.',
  },
  unsupported_grant_type: {
    meaning: 'the peer does not offer this grant',
    legs: ENDPOINT_LEGS,
    contacts: EVERYBODY,
    remedy: 'Check that the issuer is right; if it is, ask for the grant to be enabled there.',
  },
  step_up_required: {
    meaning: 'the IdP requires a stronger or more recent authentication of the subject',
    legs: ENDPOINT_LEGS,
    contacts: EVERYBODY,
    remedy: 'Ask for the policy to exempt the service principal, or give a subject token that satisfies it.',
  },
  invalid_id_jag: {
    meaning: 'the IdP issued an ID-JAG with missing or wrong claims',
    legs: ['exchange'],
    contacts: ['you', 'idp-admin'],
    remedy: 'Check the client id that is configured for the server; if it is right, ask the IdP to correct the claim.',
  },
  scope_not_granted: {
    meaning: 'a scope that was requested explicitly was not granted',
    legs: ['exchange', 'redeem'],
    contacts: ADMINISTRATORS,
    remedy:
      'Ask for the scope to be granted to this principal: at the IdP, or at the authorization server if the ID-JAG contains the scope.',
  },
  excess_scope: {
    meaning: 'the peer granted a scope beyond the configured and requested ones',
    legs: ['exchange', 'redeem'],
    contacts: ADMINISTRATORS,
    remedy:
      "Ask for the principal to be granted only the requested scopes; or add the scope to the server's `scopes`, or set `excessScopes`.",
  },
  subject_changed: {
    meaning: 'a subject token, or the ID-JAG for it, has another subject than before',
    legs: ['authenticate', 'exchange'],
    contacts: ['you'],
    remedy: 'For tokens of several users, call `bot.onBehalfOf(getUserToken, { identity })` for each user.',
  },
  // call
  token_refused: {
    meaning: 'the MCP server refused a new token',
    legs: ['call'],
    contacts: ['you', 'server-owner'],
    remedy: 'Ask the owner which issuer and resource the server accepts, and whether it requires DPoP-bound tokens.',
  },
  insufficient_scope: {
    meaning: 'the MCP server requires a scope that the token does not have',
    legs: ['call'],
    contacts: ['you', 'server-owner'],
    remedy:
      "Add the scope to the server's `stepUp` if the bot is meant to have it, and ask for it to be granted at the IdP.",
  },
  forbidden: {
    meaning: 'the MCP server answered 403 and did not name a missing scope',
    legs: ['call'],
    contacts: ['server-owner'],
    remedy: 'Ask the owner whether this principal may make this call.',
  },
  wrong_principal: {
    meaning:
      'a run of an agent is resumed for another principal than the one that it was started for, or calls a tool of another one',
    legs: ['call'],
    contacts: ['you'],
    remedy:
      'Resume the run with the `principal` in its context that it was started with, or start a new run. Take tools with the config of the run that uses them.',
  },
  cross_origin_refused: {
    meaning: 'the URL of a request has another origin than the URL of the configured server',
    legs: ['call'],
    contacts: ['server-owner'],
    remedy: 'If the server has moved, configure its new URL.',
  },
  request_too_large: {
    meaning: 'the body of a Request is larger than the limit',
    legs: ['call'],
    contacts: ['you'],
    remedy: 'Send a smaller body, or raise `limits.requestBytes` of the server.',
  },
  tool_removed: {
    meaning: 'the MCP server does not list the tool any more',
    legs: ['call'],
    contacts: ['server-owner'],
    remedy: "Do without the tool, or ask the server's owner.",
  },
  cancelled: {
    meaning: 'the call was cancelled before it was sent',
    legs: ['call'],
    contacts: ['you'],
    remedy: 'Nothing to do: the caller cancelled the call.',
  },
};
