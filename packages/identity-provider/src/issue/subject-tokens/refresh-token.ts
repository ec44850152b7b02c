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
 * A refresh token of somebody who signed in through the calling client, held to what the provider's own
 * `refresh_token` grant asks of the token: issued here, to this client, neither expired nor revoked nor used up by
 * rotation, its grant and its account still there, its key proven. That grant's rule that no more scopes are asked for than
 * the token has is the policy's to apply: the scopes of an ID-JAG are another server's.
 *
 * It is not rotated: an exchange has no answer to hand out a new one in (the draft: `refresh_token` SHOULD NOT be
 * used), and a client whose token were used up silently could not come back. One that rotation did use up is treated
 * as the provider treats it, as stolen: all tokens of its grant are revoked (RFC 9700 section 4.14.2).
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
    throw invalidSubjectToken('the refresh token was replaced before: its whole grant is revoked now');
  }
  return verifiedSubject(found, await liveGrant(found, context), context);
};

async function liveGrant(found: RefreshToken, { provider, client }: SubjectTokenContext): Promise<Grant> {
  const grant = found.grantId === undefined ? undefined : await provider.Grant.find(found.grantId);
  if (grant === undefined || grant.isExpired) throw invalidSubjectToken('the grant of the refresh token is gone');
  if (grant.clientId !== client.clientId || grant.accountId !== found.accountId) {
    throw invalidSubjectToken('the refresh token does not belong to its grant');
  }
  return grant;
}

/** The subject as an ID token for this client would have it now, pairwise identifiers included. */
async function verifiedSubject(
  found: RefreshToken,
  grant: Grant,
  { provider, ctx, internals, now }: SubjectTokenContext,
): Promise<VerifiedSubject> {
  const scope = grant.getOIDCScopeFiltered(found.scopes);
  // Without openid nobody agreed that this client is told who they are.
  if (!scope.split(' ').includes('openid'))
    throw invalidSubjectToken('the refresh token was not granted the scope openid');
  const account = await internals.findAccount(provider, ctx, found.accountId, found);
  if (account === undefined) throw invalidSubjectToken('the account of the refresh token is gone');

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
  const scopes = [
    grant.getOIDCScopeFiltered(found.scopes),
    ...resources.map((resource) => grant.getResourceScopeFiltered(resource, found.scopes)),
  ].flatMap((scope) => scope.split(' '));
  return { scopes: [...new Set(scopes)].filter((scope) => scope !== ''), resources };
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
