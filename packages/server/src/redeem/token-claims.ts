import type { IdJag } from '../id-jag/types.ts';

/**
 * Claims that say what a token is, and for whom: an authorization server sets these itself. RFC 9068 section 2.2, RFC
 * 7662 section 2.2, RFC 7800.
 */
const RESERVED = new Set([
  'iss',
  'sub',
  'aud',
  'exp',
  'iat',
  'nbf',
  'jti',
  'client_id',
  'scope',
  'cnf',
  'active',
  'token_type',
  'username',
  'authorization_details',
]);

/** RFC 8693 section 4.1 and RFC 9068 section 2.2.3.1: who acts, and what the subject belongs to. */
export function callerClaims({ actor, groups, roles }: IdJag): Record<string, unknown> {
  return {
    ...(actor !== undefined && { act: actor }),
    ...(groups.length > 0 && { groups }),
    ...(roles.length > 0 && { roles }),
  };
}

/** Throws a TypeError for claims that would change what the token is. */
export function checkedTokenClaims(claims: Record<string, unknown>): Record<string, unknown> {
  const reserved = Object.keys(claims).find((name) => RESERVED.has(name));
  if (reserved !== undefined) throw new TypeError(`tokenClaims must not set ${reserved}`);
  return claims;
}
