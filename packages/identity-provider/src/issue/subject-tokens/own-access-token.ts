import { checkBinding, invalidSubjectToken, type SubjectTokenVerifier } from './subject-token.ts';

/**
 * The service principal's own access token, from `client_credentials` here: looked up in the provider's store,
 * accepted from the client it was issued to only, and where it is bound to a key only with a proof by that key (RFC
 * 9449).
 */
export const ownAccessToken: SubjectTokenVerifier = async (token, context) => {
  const { provider, client } = context;
  const found = await provider.ClientCredentials.find(token);
  if (found === undefined || !found.isValid)
    throw invalidSubjectToken('the subject token is unknown, expired or revoked');
  if (found.clientId !== client.clientId) throw invalidSubjectToken('the subject token was issued to another client');
  checkBinding(found, context.dpopThumbprint);
  return { subject: await context.principalSubject(client.clientId), subjectKind: 'principal', claims: {} };
};
