import { type IdJag, isNormalResource, sameResource } from '@credence/protocol';
import { GrantRefusal } from '../grant/refusal.ts';

/**
 * Chooses the resource that the access token is for: the request's `resource` (RFC 8707), else the ID-JAG's, else the only
 * resource of this server. Returns it in the spelling of `served`. Throws GrantRefusal if none or several are possible.
 */
export function chooseResource(
  idJag: IdJag,
  requested: readonly string[],
  served: readonly string[],
  requireResource: boolean,
): string {
  if (idJag.resources.length === 0 && requireResource) {
    throw new GrantRefusal('invalid_grant', 'the ID-JAG names no resource');
  }
  const [first, ...more] = requested;
  if (more.length > 0) throw new GrantRefusal('invalid_target', 'only one resource can be requested at a time');
  if (first !== undefined) {
    const known = isNormalResource(first) ? servedAs(first, served) : undefined;
    if (known === undefined) throw new GrantRefusal('invalid_target', 'the resource is not served here');
    if (idJag.resources.length > 0 && servedAs(first, idJag.resources) === undefined) {
      throw new GrantRefusal('invalid_target', 'the ID-JAG is for another resource than the request');
    }
    return known;
  }
  const candidates =
    idJag.resources.length === 0 ? served : idJag.resources.flatMap((resource) => servedAs(resource, served) ?? []);
  const [only, ...others] = candidates;
  if (only === undefined) throw new GrantRefusal('invalid_target', 'the resource is not served here');
  if (others.length > 0)
    throw new GrantRefusal('invalid_target', 'the request must name a resource, because several are possible');
  return only;
}

/** The entry of the list that is the same resource. */
function servedAs(resource: string, list: readonly string[]): string | undefined {
  return list.find((each) => sameResource(each, resource));
}
