import type { AuthorizationDetail, IdJag } from '../id-jag/types.ts';
import { GrantRefusal } from '../provider/refusal.ts';
import type { RedemptionRules, ResourceRules } from './options.ts';

/**
 * The ID-JAG's `authorization_details` (RFC 9396) that the resource knows and the rules leave; undefined where there are
 * none. What is left out shows in the answer, as for scopes.
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
  const granted = (await authorizationDetailsFor?.(known, idJag, resource)) ?? known;
  if (!granted.every(({ type }) => known.some((detail) => detail.type === type))) {
    throw new GrantRefusal('server_error', 'the request failed', 'authorizationDetailsFor widened the grant');
  }
  return granted.length === 0 ? undefined : granted;
}

function isAt(detail: AuthorizationDetail, resource: string): boolean {
  const { locations } = detail;
  return Array.isArray(locations) && locations.includes(resource);
}
