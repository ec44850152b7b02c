import { checkBinding, invalidSubjectToken, type SubjectTokenVerifier } from './subject-token.ts';

/**
 * Verifies the service principal's own access token, which this provider issued for `client_credentials`. It is looked up in the
 * provider's store and accepted only from the client that it was issued to. If it is bound to a key, the request needs a DPoP
 * proof of that key (RFC 9449).
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
