import { type FakeAnswer, json } from './answer.ts';

/**
 * Answers of the token endpoint of Auth0, which redeems ID-JAGs as an authorization server. Each is an answer that users of its
 * public SDKs reported. Auth0 does not document that it issues ID-JAGs, and the errors with which it refuses one are not public,
 * so there are none here.
 */
export const auth0 = {
  /** Redeem or authenticate: the client id or the secret is wrong. Source: github.com/auth0/node-auth0, issue 682. */
  wrongSecret: (): FakeAnswer => json(401, { error: 'access_denied', error_description: 'Unauthorized' }),
  /** Redeem or authenticate: the client has no grant for this API. Source: github.com/auth0/ruby-auth0, issue 610; its status: github.com/auth0/auth0-python, issue 173. */
  notGranted: (api = 'https://mcp.example/'): FakeAnswer =>
    json(403, {
      error: 'access_denied',
      error_description: `Client is not authorized to access "${api}". You need to create a "client-grant" associated to this API. See: https://auth0.com/docs/api/v2#!/Client_Grants/post_client_grants`,
    }),
  /** Redeem or authenticate: the grant type is not enabled for the client. Source: github.com/auth0/ruby-auth0, issue 190, whose class of error stands for 403. */
  grantTypeNotAllowed: (grantType = 'client_credentials'): FakeAnswer =>
    json(403, {
      error: 'unauthorized_client',
      error_description: `Grant type '${grantType}' not allowed for the client.`,
      error_uri: 'https://auth0.com/docs/clients/client-grant-types',
    }),
} as const;
