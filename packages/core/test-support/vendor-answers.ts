import type { CannedAnswer } from '../../../test/support/peer.ts';
import type { Contact, Leg } from '../src/errors/leg.ts';

/** One answer of a vendor's token endpoint, and the token or error that it must become. */
export interface VendorAnswer {
  readonly vendor: 'C1' | 'Okta' | 'Entra' | 'Keycloak';
  readonly kind: 'success' | 'denial' | 'malformed';
  readonly what: string;
  /** The leg that the vendor answers: as the IdP in `authenticate` and `exchange`, as the authorization server in `redeem`. */
  readonly leg: 'authenticate' | 'exchange' | 'redeem';
  /** Members of the vendor's success response that are added to or replace those of the scripted peer. Undefined removes one. */
  readonly members?: Readonly<Record<string, unknown>>;
  /** The whole answer, if it is not a success. */
  readonly answer?: CannedAnswer;
  readonly becomes:
    | { readonly scopes?: readonly string[] }
    | {
        readonly code: string;
        readonly leg: Leg;
        readonly contact: Contact;
        readonly error?: string;
        readonly errorDescription?: string;
        readonly retryable?: boolean;
      };
}

const json = (status: number, body: object, headers: Record<string, string> = {}): CannedAnswer => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(body),
});

/**
 * C1. Documented: the issuer and the endpoint, the two kinds of client authentication, that a scope which the subject does not hold
 * is left out without an error, and that the error is `invalid_grant` if the subject holds none. The members of its responses are
 * not documented: the successes here have those of RFC 6749 and RFC 8693, and the descriptions of the denials are invented. The
 * refusal of an unregistered audience or resource is documented without its error code, so there is none here.
 */
const C1: readonly VendorAnswer[] = [
  {
    vendor: 'C1',
    kind: 'success',
    what: "a service principal's own token",
    leg: 'authenticate',
    members: { token_type: 'Bearer', expires_in: 3600, refresh_token: undefined },
    becomes: {},
  },
  {
    vendor: 'C1',
    kind: 'success',
    what: 'an ID-JAG with fewer scopes than were requested',
    leg: 'exchange',
    members: { token_type: 'N_A', expires_in: 300, scope: 'tools:read' },
    becomes: { scopes: ['tools:read'] },
  },
  {
    vendor: 'C1',
    kind: 'denial',
    what: 'a subject that holds none of the scopes',
    leg: 'exchange',
    answer: json(400, { error: 'invalid_grant', error_description: 'no grant for the requested scope' }),
    becomes: {
      code: 'invalid_grant',
      leg: 'exchange',
      contact: 'idp-admin',
      errorDescription: 'no grant for the requested scope',
    },
  },
  {
    vendor: 'C1',
    kind: 'denial',
    what: 'an expired service principal credential (RFC 6749 section 5.2)',
    leg: 'authenticate',
    answer: json(401, { error: 'invalid_client' }, { 'www-authenticate': 'Basic realm="c1"' }),
    becomes: { code: 'invalid_client', leg: 'authenticate', contact: 'you', error: 'invalid_client' },
  },
  {
    vendor: 'C1',
    kind: 'malformed',
    what: "the tenant's sign-in page in place of the endpoint",
    leg: 'exchange',
    answer: { headers: { 'content-type': 'text/html; charset=utf-8' }, body: '<!doctype html><title>C1</title>' },
    becomes: { code: 'invalid_response', leg: 'exchange', contact: 'you' },
  },
];

/**
 * Okta. Documented: the exchange for an ID-JAG at the org authorization server with `token_type` `Bearer`; the OAuth errors of its
 * token endpoint; its own error object (`errorCode`, `errorSummary`, `errorLink`, `errorId`, `errorCauses`) for a request that its
 * OAuth endpoint does not process, for example because of the rate limit.
 */
const OKTA: readonly VendorAnswer[] = [
  {
    vendor: 'Okta',
    kind: 'success',
    what: 'an ID-JAG whose token_type is Bearer',
    leg: 'exchange',
    members: { token_type: 'Bearer', expires_in: 300, resource: undefined },
    becomes: { scopes: ['tools:read', 'tools:write'] },
  },
  {
    vendor: 'Okta',
    kind: 'success',
    what: "an agent's own token of a custom authorization server",
    leg: 'authenticate',
    members: { token_type: 'Bearer', expires_in: 3600, scope: 'agent.access' },
    becomes: {},
  },
  {
    vendor: 'Okta',
    kind: 'denial',
    what: 'a wrong client secret',
    leg: 'authenticate',
    answer: json(401, {
      error: 'invalid_client',
      error_description: 'The client secret supplied for a confidential client is invalid.',
    }),
    becomes: {
      code: 'invalid_client',
      leg: 'authenticate',
      contact: 'you',
      errorDescription: 'The client secret supplied for a confidential client is invalid.',
    },
  },
  {
    vendor: 'Okta',
    kind: 'denial',
    what: 'a request that no access policy matches',
    leg: 'exchange',
    answer: json(400, {
      error: 'access_denied',
      error_description: 'Policy evaluation failed for this request, please check the policy configurations.',
    }),
    becomes: { code: 'access_denied', leg: 'exchange', contact: 'idp-admin', error: 'access_denied' },
  },
  {
    vendor: 'Okta',
    kind: 'denial',
    what: 'the rate limit',
    leg: 'exchange',
    answer: json(
      429,
      {
        errorCode: 'E0000047',
        errorSummary: 'API call exceeded rate limit due to too many requests.',
        errorLink: 'E0000047',
        errorId: 'oae-fixture',
        errorCauses: [],
      },
      { 'x-rate-limit-limit': '600', 'x-rate-limit-remaining': '0', 'x-rate-limit-reset': '1800000000' },
    ),
    becomes: { code: 'rate_limited', leg: 'exchange', contact: 'idp-admin', retryable: true },
  },
  {
    vendor: 'Okta',
    kind: 'malformed',
    what: 'its own error object in place of an OAuth error',
    leg: 'exchange',
    answer: json(404, {
      errorCode: 'E0000022',
      errorSummary: 'The endpoint does not support the provided HTTP method',
      errorLink: 'E0000022',
      errorId: 'oae-fixture',
      errorCauses: [],
    }),
    becomes: { code: 'invalid_response', leg: 'exchange', contact: 'idp-admin' },
  },
];

/**
 * Entra. Documented: `client_credentials` with `ext_expires_in`; errors with `AADSTS` codes, a description of several lines and
 * `error_codes`, `timestamp`, `trace_id`, `correlation_id`, `error_uri`. It does not document that it issues ID-JAGs, so there is no
 * success for the leg `exchange`.
 */
const ENTRA: readonly VendorAnswer[] = [
  {
    vendor: 'Entra',
    kind: 'success',
    what: 'an app token',
    leg: 'authenticate',
    members: { token_type: 'Bearer', expires_in: 3599, ext_expires_in: 3599, scope: undefined },
    becomes: {},
  },
  {
    vendor: 'Entra',
    kind: 'success',
    what: 'an access token with numbers as strings, as its older endpoint sends them',
    leg: 'redeem',
    members: { expires_in: '3599', ext_expires_in: '3599', expires_on: '1800000000', not_before: '1799996400' },
    becomes: { scopes: ['tools:read', 'tools:write'] },
  },
  {
    vendor: 'Entra',
    kind: 'denial',
    what: 'an invalid scope, with a description of several lines',
    leg: 'authenticate',
    answer: json(400, {
      error: 'invalid_scope',
      error_description:
        "AADSTS70011: The provided value for the input parameter 'scope' isn't valid.\r\nTrace ID: 0000aaaa-11bb-cccc-dd22-eeeeee333333\r\nCorrelation ID: aaaa0000-bb11-2222-33cc-444444dddddd\r\nTimestamp: 2016-01-09 02:02:12Z",
      error_codes: [70011],
      timestamp: '2016-01-09 02:02:12Z',
      trace_id: '0000aaaa-11bb-cccc-dd22-eeeeee333333',
      correlation_id: 'aaaa0000-bb11-2222-33cc-444444dddddd',
    }),
    becomes: {
      code: 'invalid_scope',
      leg: 'authenticate',
      contact: 'you',
      errorDescription:
        "AADSTS70011: The provided value for the input parameter 'scope' isn't valid. Trace ID: 0000aaaa-11bb-cccc-dd22-eeeeee333333 Correlation ID: aaaa0000-bb11-2222-33cc-444444dddddd Timestamp: 2016-01-09 02:02:12Z",
    },
  },
  {
    vendor: 'Entra',
    kind: 'denial',
    what: 'an unsupported token exchange',
    leg: 'exchange',
    answer: json(400, {
      error: 'unsupported_grant_type',
      error_description: 'AADSTS70003: The app requested an unsupported grant type.\r\nTrace ID: 0000aaaa',
      error_codes: [70003],
      error_uri: 'https://login.microsoftonline.com/error?code=70003',
    }),
    becomes: {
      code: 'unsupported_grant_type',
      leg: 'exchange',
      contact: 'idp-admin',
      error: 'unsupported_grant_type',
    },
  },
  {
    vendor: 'Entra',
    kind: 'malformed',
    what: 'its error page with the status 200',
    leg: 'authenticate',
    answer: { headers: { 'content-type': 'text/html; charset=utf-8' }, body: '<title>Sign in to your account</title>' },
    becomes: { code: 'invalid_response', leg: 'authenticate', contact: 'you' },
  },
];

/**
 * Keycloak. Documented: the members of its token responses (`not-before-policy`, `refresh_expires_in`); standard token exchange,
 * whose refusals are in its public source and tests; accepting ID-JAGs as an experimental feature. Issuing ID-JAGs is documented as
 * not yet implemented, so there is no success for the leg `exchange`.
 */
const KEYCLOAK: readonly VendorAnswer[] = [
  {
    vendor: 'Keycloak',
    kind: 'success',
    what: "a service account's token",
    leg: 'authenticate',
    members: {
      token_type: 'Bearer',
      expires_in: 300,
      refresh_expires_in: 0,
      'not-before-policy': 0,
      scope: 'email profile',
    },
    becomes: {},
  },
  {
    vendor: 'Keycloak',
    kind: 'success',
    what: 'an access token for an ID-JAG',
    leg: 'redeem',
    members: { refresh_expires_in: 0, 'not-before-policy': 0, resource: undefined },
    becomes: { scopes: ['tools:read', 'tools:write'] },
  },
  {
    vendor: 'Keycloak',
    kind: 'denial',
    what: 'a wrong secret, as current versions answer it',
    leg: 'authenticate',
    answer: json(401, {
      error: 'unauthorized_client',
      error_description: 'Invalid client or Invalid client credentials',
    }),
    becomes: {
      code: 'invalid_client',
      leg: 'authenticate',
      contact: 'you',
      error: 'unauthorized_client',
      errorDescription: 'Invalid client or Invalid client credentials',
    },
  },
  {
    vendor: 'Keycloak',
    kind: 'denial',
    what: 'a client without a service account',
    leg: 'authenticate',
    answer: json(400, {
      error: 'unauthorized_client',
      error_description: 'Client not enabled to retrieve service account',
    }),
    becomes: { code: 'unauthorized_client', leg: 'authenticate', contact: 'idp-admin' },
  },
  {
    vendor: 'Keycloak',
    kind: 'denial',
    what: 'a subject token whose audience is another client',
    leg: 'exchange',
    answer: json(403, { error: 'access_denied', error_description: 'Client is not within the token audience' }),
    becomes: {
      code: 'access_denied',
      leg: 'exchange',
      contact: 'idp-admin',
      errorDescription: 'Client is not within the token audience',
    },
  },
  {
    vendor: 'Keycloak',
    kind: 'denial',
    what: 'an ID-JAG that was used before',
    leg: 'redeem',
    answer: json(400, { error: 'invalid_grant' }),
    becomes: { code: 'invalid_grant', leg: 'redeem', contact: 'server-owner' },
  },
  {
    vendor: 'Keycloak',
    kind: 'malformed',
    what: 'an exchange that returns an access token in place of an ID-JAG',
    leg: 'exchange',
    members: { issued_token_type: 'urn:ietf:params:oauth:token-type:access_token', token_type: 'Bearer' },
    becomes: { code: 'invalid_response', leg: 'exchange', contact: 'idp-admin' },
  },
  {
    vendor: 'Keycloak',
    kind: 'malformed',
    what: 'an unknown realm: 404 with an error that is not an OAuth error code',
    leg: 'redeem',
    answer: json(404, { error: 'Realm does not exist' }),
    becomes: { code: 'invalid_response', leg: 'redeem', contact: 'server-owner' },
  },
];

export const VENDOR_ANSWERS: readonly VendorAnswer[] = [...C1, ...OKTA, ...ENTRA, ...KEYCLOAK];
