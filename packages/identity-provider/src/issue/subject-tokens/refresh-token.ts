import type { Grant, RefreshToken } from 'oidc-provider';
import type { RefreshTokenAuthorization } from '../policy.ts';
import { userAuthentication } from './authentication.ts';
import {
  checkBinding,
  invalidSubjectToken,
  type SubjectTokenContext,
  type SubjectTokenVerifier,
  type VerifiedSubject,
} from './subject-token.ts';

/**
 * Verifies a refresh token of a user who signed in through the requesting client. The function makes the same checks as
 * oidc-provider's `refresh_token` grant: the token was issued to this client; it is not expired, revoked or replaced by
 * rotation; its grant and its account exist; the request has a DPoP proof of its key. If the token has
 * no resources, the check that the requested scopes are among the token's scopes is left to the policy, because the scopes of an
 * ID-JAG are those of another server.
 *
 * The refresh token is not rotated: the response of an exchange cannot contain the new one (the draft: `refresh_token` SHOULD NOT
 * be used), so the client would lose access. A token that was replaced by rotation counts as stolen, as in oidc-provider: all
 * tokens of its grant are revoked (RFC 9700 section 4.14.2).
 */
export const refreshToken: SubjectTokenVerifier = async (token, context) => {
  const { provider, client } = context;
  const found = await provider.RefreshToken.find(token);
  if (found === undefined) throw invalidSubjectToken('the refresh token is unknown, expired or revoked');
  if (found.clientId !== client.clientId) throw invalidSubjectToken('the refresh token was issued to another client');
  if (!client.grantTypeAllowed('refresh_token')) {
    throw invalidSubjectToken('the client is not registered for the grant type refresh_token');
  }
  if (found.isExpired) throw invalidSubjectToken('the refresh token has expired');
  if (client.clientAuthMethod === 'none' && found.jkt === undefined) {
    throw invalidSubjectToken('the refresh token of a public client must be bound to a key');
  }
  checkBinding(found, context.dpopThumbprint);
  if (found.consumed) {
    await revokeGrant(found, context);
    throw invalidSubjectToken(
      'the refresh token was replaced by rotation before, so all tokens of its grant are revoked',
    );
  }
  return verifiedSubject(found, await liveGrant(found, context), context);
};

async function liveGrant(found: RefreshToken, { provider, client }: SubjectTokenContext): Promise<Grant> {
  const grant = found.grantId === undefined ? undefined : await provider.Grant.find(found.grantId);
  if (grant === undefined || grant.isExpired)
    throw invalidSubjectToken('the grant of the refresh token does not exist');
  if (grant.clientId !== client.clientId || grant.accountId !== found.accountId) {
    throw invalidSubjectToken('the refresh token does not belong to its grant');
  }
  return grant;
}

/** The subject and claims that an ID token issued now to this client would have, including a pairwise subject. */
async function verifiedSubject(
  found: RefreshToken,
  grant: Grant,
  { provider, ctx, internals, now }: SubjectTokenContext,
): Promise<VerifiedSubject> {
  const scope = grant.getOIDCScopeFiltered(found.scopes);
  // without the scope openid, the user did not consent that the client gets their identity
  if (!scope.split(' ').includes('openid'))
    throw invalidSubjectToken('the refresh token was not granted the scope openid');
  const account = await internals.findAccount(provider, ctx, found.accountId, found);
  if (account === undefined) throw invalidSubjectToken('the account of the refresh token does not exist');

  const rejected = grant.getRejectedOIDCClaims();
  const available = await account.claims('id_token', scope, {}, rejected);
  const { acr, amr, authTime } = found;
  const mask = new provider.Claims({ ...available, sub: account.accountId, acr, amr, auth_time: authTime }, { ctx });
  mask.scope(scope);
  mask.rejected(rejected);
  const claims = await mask.result();
  const { sub: subject } = claims;
  if (typeof subject !== 'string' || subject === '')
    throw invalidSubjectToken('the account of the refresh token has no sub');
  return {
    subject,
    subjectKind: 'user',
    claims,
    authentication: userAuthentication({ acr, amr, auth_time: authTime }, now),
    authorization: authorization(found, grant),
  };
}

function authorization(found: RefreshToken, grant: Grant): RefreshTokenAuthorization {
  const resources = [found.resource ?? []].flat();
  const ofResources = resources.map((resource) => grant.getResourceScopeFiltered(resource, found.scopes));
  const resourceScopes = listed(ofResources);
  const scopes = listed([grant.getOIDCScopeFiltered(found.scopes), ...ofResources]);
  return { scopes, resources, resourceScopes };
}

/** The scopes of several scope values, each once. */
function listed(values: readonly string[]): string[] {
  return [...new Set(values.flatMap((value) => value.split(' ')))].filter((scope) => scope !== '');
}

async function revokeGrant({ grantId }: RefreshToken, { provider, ctx }: SubjectTokenContext): Promise<void> {
  if (grantId === undefined) return;
  const grant = await provider.Grant.find(grantId);
  await Promise.all([
    provider.RefreshToken.revokeByGrantId(grantId),
    provider.AccessToken.revokeByGrantId(grantId),
    grant?.destroy(),
  ]);
  provider.emit('grant.revoked', ctx, grantId);
}
