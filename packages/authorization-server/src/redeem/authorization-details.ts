import { type AuthorizationDetail, type IdJag, isObject } from '@credence/protocol';
import { callCallback } from '../grant/callback.ts';
import { serverFailure } from '../grant/refusal.ts';
import type { RedemptionRules, ResourceRules } from './options.ts';

/**
 * The ID-JAG's `authorization_details` (RFC 9396) that the resource knows and `authorizationDetailsFor` returns; undefined
 * if there are none. The response to the client contains the granted ones.
 */
export async function grantedDetails(
  idJag: IdJag,
  resource: string,
  { authorizationDetailsTypes: types = [] }: ResourceRules,
  { authorizationDetailsFor }: Pick<RedemptionRules, 'authorizationDetailsFor'>,
): Promise<readonly AuthorizationDetail[] | undefined> {
  const known = idJag.authorizationDetails?.filter(
    (detail) => types.includes(detail.type) && (detail['locations'] === undefined || isAt(detail, resource)),
  );
  if (known === undefined || known.length === 0) return undefined;
  if (authorizationDetailsFor === undefined) return known;
  const granted: unknown = await callCallback('authorizationDetailsFor', () =>
    authorizationDetailsFor(known, idJag, resource),
  );
  if (!isDetails(granted)) throw serverFailure('authorizationDetailsFor returned no list of authorization_details');
  if (!granted.every(({ type }) => known.some((detail) => detail.type === type))) {
    throw serverFailure('authorizationDetailsFor returned a type that it was not given');
  }
  return granted.length === 0 ? undefined : granted;
}

function isDetails(value: unknown): value is readonly AuthorizationDetail[] {
  return Array.isArray(value) && value.every((detail) => isObject(detail) && typeof detail['type'] === 'string');
}

function isAt(detail: AuthorizationDetail, resource: string): boolean {
  const { locations } = detail;
  return Array.isArray(locations) && locations.includes(resource);
}
