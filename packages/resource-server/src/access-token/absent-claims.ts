import { isJsonObject } from '@credence/protocol';

/**
 * The claims without those that are null: some authorization servers write null for a claim that a token does not have. A `cnf` that
 * is null stays, so that a token whose binding got lost is not accepted as a bearer token.
 */
export function withoutNulls(claims: unknown): unknown {
  if (!isJsonObject(claims) || !Object.values(claims).includes(null)) return claims;
  return Object.fromEntries(Object.entries(claims).filter(([name, value]) => value !== null || name === 'cnf'));
}
