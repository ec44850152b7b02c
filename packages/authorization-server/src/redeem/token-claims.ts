import { type IdJag, isObject } from '@credence/protocol';
import { serverFailure } from '../grant/refusal.ts';
/**
 * Claims that only the authorization server may set, and not `tokenClaims` (RFC 9068 section 2.2, RFC 7662 section 2.2, RFC
 * 7800).
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

/**
 * The default of `tokenClaims`: the actor (RFC 8693 section 4.1), the subject's groups and roles (RFC 9068 section
 * 2.2.3.1), and both tenants under the names that they have in the ID-JAG.
 */
export function callerClaims({ actor, groups, roles, tenant, audienceTenant }: IdJag): Record<string, unknown> {
  return {
    ...(actor !== undefined && { act: actor }),
    ...(groups.length > 0 && { groups }),
    ...(roles.length > 0 && { roles }),
    ...(tenant !== undefined && { tenant }),
    ...(audienceTenant !== undefined && { aud_tenant: audienceTenant }),
  };
}

/** Throws GrantRefusal `server_error` if `claims` is not an object, or contains a claim that only this server may set. */
export function checkedTokenClaims(claims: unknown): Readonly<Record<string, unknown>> {
  if (!isObject(claims)) throw serverFailure('tokenClaims returned no claims');
  const reserved = Object.keys(claims).find((name) => RESERVED.has(name));
  if (reserved !== undefined) throw serverFailure(`tokenClaims must not set ${reserved}`);
  return claims;
}
