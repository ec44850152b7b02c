import { type AnswerEdit, type FakeAnswer, json } from './answer.ts';

/**
 * Answers of Keycloak. Its documentation describes the members of its token responses (`not-before-policy`, `refresh_expires_in`),
 * standard token exchange, and accepting ID-JAGs as an experimental feature. The refusals are those of its public source and tests.
 * Issuing ID-JAGs is documented as not yet implemented, so there is no success of the leg `exchange`.
 */
export const keycloak = {
  /** Exchange: the audience of the subject token is another client. Source: Keycloak's source of standard token exchange. */
  notGranted: (): FakeAnswer =>
    json(403, { error: 'access_denied', error_description: 'Client is not within the token audience' }),
  /** Authenticate: the secret is wrong. Source: Keycloak's source of client authentication, current versions. */
  wrongSecret: (): FakeAnswer =>
    json(401, { error: 'unauthorized_client', error_description: 'Invalid client or Invalid client credentials' }),
  /** Authenticate: the client has no service account. Source: Keycloak's source of the client credentials grant. */
  noServiceAccount: (): FakeAnswer =>
    json(400, { error: 'unauthorized_client', error_description: 'Client not enabled to retrieve service account' }),
  /** Authenticate: the client assertion has another audience than the realm. Source: Keycloak's source, AbstractBaseJWTValidator. */
  wrongAudience: (): FakeAnswer => json(400, { error: 'invalid_client', error_description: 'Invalid token audience' }),
  /** Redeem: the ID-JAG was used before. Source: Keycloak's example configuration, which forbids reuse; RFC 7523 section 3.1. */
  idJagUsedBefore: (): FakeAnswer => json(400, { error: 'invalid_grant' }),
  /** Redeem: the realm does not exist. Source: Keycloak's source. */
  unknownRealm: (): FakeAnswer => json(404, { error: 'Realm does not exist' }),
  /** Exchange: an access token in place of an ID-JAG. Source: Keycloak's documentation of standard token exchange. */
  accessTokenInsteadOfIdJag: (): AnswerEdit => ({
    members: { issued_token_type: 'urn:ietf:params:oauth:token-type:access_token', token_type: 'Bearer' },
  }),
  /** Authenticate: a service account's token. Source: Keycloak's documentation of service accounts. */
  ownToken: (): AnswerEdit => ({
    members: {
      token_type: 'Bearer',
      expires_in: 300,
      refresh_expires_in: 0,
      'not-before-policy': 0,
      scope: 'email profile',
    },
  }),
  /** Redeem: an access token for an ID-JAG. Source: the members of Keycloak's token responses. */
  accessToken: (): AnswerEdit => ({
    members: { refresh_expires_in: 0, 'not-before-policy': 0, resource: undefined },
  }),
} as const;
