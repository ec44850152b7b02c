import { isSigningAlgorithm } from '@credence/protocol';
import { createLocalJWKSet, errors, type JWTPayload, jwtVerify } from 'jose';
import { PRINCIPAL_ID_TOKEN_MARK } from '../principal-id-token.ts';
import { userAuthentication } from './authentication.ts';
import {
  CLOCK_TOLERANCE_SECONDS,
  headerOf,
  invalidSubjectToken as refused,
  type SubjectTokenContext,
  type SubjectTokenVerifier,
} from './subject-token.ts';

/**
 * Verifies an ID token that this provider issued to the requesting client: the ID token of a service principal, signed with the
 * signing keys, or of a user, signed by oidc-provider.
 */
export const idToken: SubjectTokenVerifier = async (token, context) => {
  checkHeader(token);
  const principal = await principalClaims(token, context);
  const claims = principal ?? (await userClaims(token, context));
  const { sub: subject } = claims;
  if (typeof subject !== 'string' || subject === '') throw refused('the ID token has no sub');
  if (principal !== undefined) return { subject, subjectKind: 'principal', claims };
  return { subject, subjectKind: 'user', claims, authentication: userAuthentication(claims, context.now) };
};

/** Refuses other JWTs of this issuer by their `typ`: access tokens, ID-JAGs and logout tokens are not ID tokens. */
function checkHeader(token: string): void {
  const { typ, alg } = headerOf(token, 'the subject token');
  // with a symmetric algorithm the key is the client secret, so the client could sign an ID token with any subject
  if (!isSigningAlgorithm(alg)) throw refused('the signature algorithm is not allowed');
  if (typ !== undefined && typ.toUpperCase() !== 'JWT') {
    throw refused('the subject token is another kind of JWT than an ID token');
  }
}

/** The claims of a principal's ID token. Undefined if the token is not signed with one of the signing keys. */
async function principalClaims(token: string, context: SubjectTokenContext): Promise<JWTPayload | undefined> {
  const { provider, client, signingKeys, now } = context;
  try {
    const { payload } = await jwtVerify(token, createLocalJWKSet(signingKeys.publicJwks()), {
      issuer: provider.issuer,
      audience: client.clientId,
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      currentDate: now,
      requiredClaims: ['sub', 'exp', 'iat'],
    });
    if (
      payload['azp'] !== client.clientId ||
      payload['gty'] !== PRINCIPAL_ID_TOKEN_MARK ||
      Array.isArray(payload.aud)
    ) {
      throw refused('the ID token was issued to another client');
    }
    return payload;
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) return undefined;
    if (error instanceof errors.JWSSignatureVerificationFailed) throw refused('the signature is not valid');
    if (error instanceof errors.JWTExpired) throw refused('the ID token has expired');
    if (error instanceof errors.JWTClaimValidationFailed) throw refused(`the ID token's ${error.claim} is invalid`);
    if (error instanceof errors.JOSEError) throw refused('the subject token is not an ID token of this provider');
    throw error;
  }
}

/**
 * Claims that only an ID token has. oidc-provider signs a userinfo response with the same key and header as an ID token, and with
 * the account's claims. Everyone with an access token can fetch it, so it must not be accepted as an ID token.
 */
const ONLY_IN_ID_TOKENS = ['nonce', 'at_hash', 'c_hash'];

/**
 * The claims of a user's ID token. oidc-provider checks issuer, audience and signature; this function checks the times and the
 * account.
 */
async function userClaims(
  token: string,
  { provider, ctx, internals, client, now }: SubjectTokenContext,
): Promise<Record<string, unknown>> {
  let payload: Record<string, unknown>;
  try {
    ({ payload } = await provider.IdToken.validate(token, client));
  } catch {
    throw refused('the subject token is not an ID token that this provider issued to this client');
  }
  const { exp, iat, aud, sub } = payload;
  if (aud !== client.clientId) throw refused('the ID token was issued to another client');
  if (typeof exp !== 'number' || typeof iat !== 'number') throw refused('the ID token has no exp or iat');
  if (exp <= now.getTime() / 1000 - CLOCK_TOLERANCE_SECONDS) throw refused('the ID token has expired');
  if (
    client.userinfoSignedResponseAlg !== undefined &&
    !ONLY_IN_ID_TOKENS.some((name) => Object.hasOwn(payload, name))
  ) {
    throw refused('the subject token can be a signed userinfo response: an ID token of this client must have a nonce');
  }
  // the account cannot be looked up by a pairwise sub
  if (typeof sub === 'string' && client.subjectType !== 'pairwise') {
    const account = await internals.findAccount(provider, ctx, sub);
    if (account === undefined) throw refused('the account of the ID token does not exist');
  }
  return payload;
}
