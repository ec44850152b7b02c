import { type AnswerEdit, type FakeAnswer, json, page } from './answer.ts';

const TRACE = '0000aaaa-11bb-cccc-dd22-eeeeee333333';
const CORRELATION = 'aaaa0000-bb11-2222-33cc-444444dddddd';
const TIME = '2016-01-09 02:02:12Z';

/**
 * Answers of Microsoft Entra ID. Its documentation describes `client_credentials` with `ext_expires_in`, and errors with `AADSTS`
 * codes, a description of several lines, `error_codes`, `timestamp`, `trace_id`, `correlation_id` and `error_uri`. It does not
 * document that it issues ID-JAGs, so there is no success of the leg `exchange`. Trace ids and times are those of its examples.
 */
export const entra = {
  /** Authenticate: an invalid scope. Source: Microsoft's reference of error codes, its example of an error response. */
  invalidScope: (): FakeAnswer =>
    json(400, {
      error: 'invalid_scope',
      error_description: `AADSTS70011: The provided value for the input parameter 'scope' isn't valid.\r\nTrace ID: ${TRACE}\r\nCorrelation ID: ${CORRELATION}\r\nTimestamp: ${TIME}`,
      error_codes: [70011],
      timestamp: TIME,
      trace_id: TRACE,
      correlation_id: CORRELATION,
    }),
  /** Authenticate: the id of the secret was sent in place of its value. Source: Microsoft's reference, AADSTS7000215. */
  wrongSecret: (): FakeAnswer =>
    json(401, {
      error: 'invalid_client',
      error_description: `AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app.\r\nTrace ID: ${TRACE}\r\nCorrelation ID: ${CORRELATION}\r\nTimestamp: ${TIME}`,
      error_codes: [7000215],
      timestamp: TIME,
      trace_id: TRACE,
      correlation_id: CORRELATION,
      error_uri: 'https://login.microsoftonline.com/error?code=7000215',
    }),
  /** Redeem or authenticate: the request had a `resource` parameter. Source: github.com/modelcontextprotocol/modelcontextprotocol, issue 1389. */
  resourceNotSupported: (): FakeAnswer =>
    json(400, {
      error: 'invalid_request',
      error_description: `AADSTS901002: The 'resource' request parameter isn't supported.\r\nTrace ID: ${TRACE}`,
      error_codes: [901002],
    }),
  /** Exchange: the grant type is not supported, as for an exchange for an ID-JAG. Source: Microsoft's reference, AADSTS70003. */
  exchangeNotSupported: (): FakeAnswer =>
    json(400, {
      error: 'unsupported_grant_type',
      error_description: `AADSTS70003: The app requested an unsupported grant type.\r\nTrace ID: ${TRACE}`,
      error_codes: [70003],
      error_uri: 'https://login.microsoftonline.com/error?code=70003',
    }),
  /** Authenticate: an app's own token. Source: Microsoft's page on the client credentials flow, successful response. */
  ownToken: (): AnswerEdit => ({
    members: { token_type: 'Bearer', expires_in: 3599, ext_expires_in: 3599, scope: undefined },
  }),
  /** Redeem: numbers as strings, as the older endpoint (v1.0) sends them. Source: Microsoft's page on that endpoint. */
  numbersAsStrings: (): AnswerEdit => ({
    members: { expires_in: '3599', ext_expires_in: '3599', expires_on: '1800000000', not_before: '1799996400' },
  }),
  /** Any leg: its sign-in page with the status 200. Source: the title of that page. */
  signInPage: (): FakeAnswer => page('<title>Sign in to your account</title>'),
} as const;
