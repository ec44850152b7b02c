import type { IdJag } from '@credence/protocol';
import { GrantRefusal } from '../grant/refusal.ts';

/**
 * Chooses the resource that the access token is for: the request's `resource` (RFC 8707), else the ID-JAG's, else the only
 * resource of this server. Throws GrantRefusal if none or several are possible.
 */
export function chooseResource(
  idJag: IdJag,
  requested: readonly string[],
  served: readonly string[],
  requireResource: boolean,
): string {
  if (idJag.resources.length === 0 && requireResource) {
    throw new GrantRefusal('invalid_target', 'the ID-JAG names no resource');
  }
  const [first, ...more] = requested;
  if (more.length > 0) throw new GrantRefusal('invalid_target', 'only one resource can be requested at a time');
  if (first !== undefined) {
    if (!served.includes(first)) throw new GrantRefusal('invalid_target', 'the resource is not served here');
    if (idJag.resources.length > 0 && !idJag.resources.includes(first)) {
      throw new GrantRefusal('invalid_target', 'the ID-JAG is for another resource than the request');
    }
    return first;
  }
  const candidates =
    idJag.resources.length === 0 ? served : idJag.resources.filter((resource) => served.includes(resource));
  const [only, ...others] = candidates;
  if (only === undefined) throw new GrantRefusal('invalid_target', 'the resource is not served here');
  if (others.length > 0)
    throw new GrantRefusal('invalid_target', 'the request must name a resource, because several are possible');
  return only;
}
