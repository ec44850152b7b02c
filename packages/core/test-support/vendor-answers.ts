import { type AnswerEdit, answers, type FakeAnswer } from '@credence/testing';
import type { Contact, Leg } from '../src/errors/leg.ts';

/** One answer of a vendor's token endpoint, and the token or error that it must become. */
export interface VendorAnswer {
  readonly vendor: 'C1' | 'Okta' | 'Entra' | 'Auth0' | 'Keycloak';
  readonly kind: 'success' | 'denial' | 'malformed';
  readonly what: string;
  /** The leg that the vendor answers: as the IdP in `authenticate` and `exchange`, as the authorization server in `redeem`. */
  readonly leg: 'authenticate' | 'exchange' | 'redeem';
  readonly answer: FakeAnswer | AnswerEdit;
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

/** What each answer of `@credence/testing` becomes. Its source is written there. */
const C1: readonly VendorAnswer[] = [
  {
    vendor: 'C1',
    kind: 'success',
    what: "a service principal's own token",
    leg: 'authenticate',
    answer: answers.c1.ownToken(),
    becomes: {},
  },
  {
    vendor: 'C1',
    kind: 'success',
    what: 'an ID-JAG with fewer scopes than were requested',
    leg: 'exchange',
    answer: answers.c1.fewerScopes('tools:read'),
    becomes: { scopes: ['tools:read'] },
  },
  {
    vendor: 'C1',
    kind: 'denial',
    what: 'a subject that holds none of the scopes',
    leg: 'exchange',
    answer: answers.c1.notGranted(),
    becomes: {
      code: 'invalid_grant',
      leg: 'exchange',
      contact: 'idp-admin',
    },
  },
  {
    vendor: 'C1',
    kind: 'denial',
    what: 'an expired service principal credential (RFC 6749 section 5.2)',
    leg: 'authenticate',
    answer: answers.c1.expiredCredential(),
    becomes: { code: 'invalid_client', leg: 'authenticate', contact: 'you', error: 'invalid_client' },
  },
  {
    vendor: 'C1',
    kind: 'malformed',
    what: "the tenant's sign-in page in place of the endpoint",
    leg: 'exchange',
    answer: { status: 200, headers: { 'content-type': 'text/html' }, body: '<!doctype html><title>C1</title>' },
    becomes: { code: 'invalid_response', leg: 'exchange', contact: 'you' },
  },
];

const OKTA: readonly VendorAnswer[] = [
  {
    vendor: 'Okta',
    kind: 'success',
    what: 'an ID-JAG whose token_type is Bearer',
    leg: 'exchange',
    answer: answers.okta.idJag(),
    becomes: { scopes: ['tools:read', 'tools:write'] },
  },
  {
    vendor: 'Okta',
    kind: 'success',
    what: "an agent's own token of a custom authorization server",
    leg: 'authenticate',
    answer: answers.okta.agentToken(),
    becomes: {},
  },
  {
    vendor: 'Okta',
    kind: 'denial',
    what: 'a wrong client secret',
    leg: 'authenticate',
    answer: answers.okta.wrongSecret(),
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
    answer: answers.okta.notGranted(),
    becomes: { code: 'access_denied', leg: 'exchange', contact: 'idp-admin', error: 'access_denied' },
  },
  {
    vendor: 'Okta',
    kind: 'denial',
    what: 'the rate limit',
    leg: 'exchange',
    answer: answers.okta.rateLimited(),
    becomes: { code: 'rate_limited', leg: 'exchange', contact: 'idp-admin', retryable: true },
  },
  {
    vendor: 'Okta',
    kind: 'malformed',
    what: 'its own error object in place of an OAuth error',
    leg: 'exchange',
    answer: answers.okta.notTheTokenEndpoint(),
    becomes: { code: 'invalid_response', leg: 'exchange', contact: 'idp-admin' },
  },
];

const ENTRA: readonly VendorAnswer[] = [
  {
    vendor: 'Entra',
    kind: 'success',
    what: 'an app token',
    leg: 'authenticate',
    answer: answers.entra.ownToken(),
    becomes: {},
  },
  {
    vendor: 'Entra',
    kind: 'success',
    what: 'an access token with numbers as strings, as its older endpoint sends them',
    leg: 'redeem',
    answer: answers.entra.numbersAsStrings(),
    becomes: { scopes: ['tools:read', 'tools:write'] },
  },
  {
    vendor: 'Entra',
    kind: 'denial',
    what: 'an invalid scope, with a description of several lines',
    leg: 'authenticate',
    answer: answers.entra.invalidScope(),
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
    what: 'the id of a secret in place of its value',
    leg: 'authenticate',
    answer: answers.entra.wrongSecret(),
    becomes: { code: 'invalid_client', leg: 'authenticate', contact: 'you', error: 'invalid_client' },
  },
  {
    vendor: 'Entra',
    kind: 'denial',
    what: 'an unsupported token exchange',
    leg: 'exchange',
    answer: answers.entra.exchangeNotSupported(),
    becomes: { code: 'unsupported_grant_type', leg: 'exchange', contact: 'idp-admin', error: 'unsupported_grant_type' },
  },
  {
    vendor: 'Entra',
    kind: 'malformed',
    what: 'its error page with the status 200',
    leg: 'authenticate',
    answer: answers.entra.signInPage(),
    becomes: { code: 'invalid_response', leg: 'authenticate', contact: 'you' },
  },
];

const AUTH0: readonly VendorAnswer[] = [
  {
    vendor: 'Auth0',
    kind: 'denial',
    what: 'a wrong client id or secret',
    leg: 'redeem',
    answer: answers.auth0.wrongSecret(),
    becomes: { code: 'access_denied', leg: 'redeem', contact: 'server-owner', error: 'access_denied' },
  },
  {
    vendor: 'Auth0',
    kind: 'denial',
    what: 'a client without a grant for the API',
    leg: 'redeem',
    answer: answers.auth0.notGranted(),
    becomes: { code: 'access_denied', leg: 'redeem', contact: 'server-owner', error: 'access_denied' },
  },
  {
    vendor: 'Auth0',
    kind: 'denial',
    what: 'a grant type that is not enabled for the client',
    leg: 'redeem',
    answer: answers.auth0.grantTypeNotAllowed('urn:ietf:params:oauth:grant-type:jwt-bearer'),
    becomes: { code: 'unauthorized_client', leg: 'redeem', contact: 'server-owner', error: 'unauthorized_client' },
  },
];

const KEYCLOAK: readonly VendorAnswer[] = [
  {
    vendor: 'Keycloak',
    kind: 'success',
    what: "a service account's token",
    leg: 'authenticate',
    answer: answers.keycloak.ownToken(),
    becomes: {},
  },
  {
    vendor: 'Keycloak',
    kind: 'success',
    what: 'an access token for an ID-JAG',
    leg: 'redeem',
    answer: answers.keycloak.accessToken(),
    becomes: { scopes: ['tools:read', 'tools:write'] },
  },
  {
    vendor: 'Keycloak',
    kind: 'denial',
    what: 'a wrong secret, as current versions answer it',
    leg: 'authenticate',
    answer: answers.keycloak.wrongSecret(),
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
    answer: answers.keycloak.noServiceAccount(),
    becomes: { code: 'unauthorized_client', leg: 'authenticate', contact: 'idp-admin' },
  },
  {
    vendor: 'Keycloak',
    kind: 'denial',
    what: 'a subject token whose audience is another client',
    leg: 'exchange',
    answer: answers.keycloak.notGranted(),
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
    answer: answers.keycloak.idJagUsedBefore(),
    becomes: { code: 'invalid_grant', leg: 'redeem', contact: 'server-owner' },
  },
  {
    vendor: 'Keycloak',
    kind: 'malformed',
    what: 'an exchange that returns an access token in place of an ID-JAG',
    leg: 'exchange',
    answer: answers.keycloak.accessTokenInsteadOfIdJag(),
    becomes: { code: 'invalid_response', leg: 'exchange', contact: 'idp-admin' },
  },
  {
    vendor: 'Keycloak',
    kind: 'malformed',
    what: 'an unknown realm: 404 with an error that is not an OAuth error code',
    leg: 'redeem',
    answer: answers.keycloak.unknownRealm(),
    becomes: { code: 'invalid_response', leg: 'redeem', contact: 'server-owner' },
  },
];

export const VENDOR_ANSWERS: readonly VendorAnswer[] = [...C1, ...OKTA, ...ENTRA, ...AUTH0, ...KEYCLOAK];
