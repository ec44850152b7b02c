import { GrantRefusal } from '../../provider/refusal.ts';
import type { SubjectTokenVerifier } from './subject-token.ts';

const DESCRIPTION = 'the subject token is not valid';

/**
 * The service principal's own access token, from `client_credentials` here: looked up in the provider's store,
 * accepted from the client it was issued to only, and where it is bound to a key only with a proof by that key (RFC
 * 9449).
 */
export const ownAccessToken: SubjectTokenVerifier = async (token, context) => {
  const { provider, client } = context;
  const found = await provider.ClientCredentials.find(token);
  if (found === undefined || !found.isValid) {
    throw new GrantRefusal('invalid_grant', DESCRIPTION, 'the subject token is unknown, expired or revoked');
  }
  if (found.clientId !== client.clientId) {
    throw new GrantRefusal('invalid_grant', DESCRIPTION, 'the subject token was issued to another client');
  }
  if (found['x5t#S256'] !== undefined) {
    throw new GrantRefusal('invalid_grant', DESCRIPTION, 'a certificate-bound subject token is not supported');
  }
  if (found.jkt !== undefined && found.jkt !== context.dpopThumbprint) {
    throw new GrantRefusal(
      'invalid_grant',
      'the subject token is bound to a key that was not proven',
      context.dpopThumbprint === undefined
        ? 'the subject token is bound to a key and the request has no DPoP proof'
        : 'the DPoP proof is by another key than the subject token is bound to',
    );
  }
  return { subject: await context.principalSubject(client.clientId), subjectKind: 'principal', claims: {} };
};
