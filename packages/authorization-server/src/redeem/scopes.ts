import { firstOf } from '../grant/audit-record.ts';
import { GrantRefusal } from '../grant/refusal.ts';

export interface ScopeLimits {
  /** The ID-JAG's scopes; undefined if it has no `scope` claim. */
  readonly idJag: readonly string[] | undefined;
  /** The `scope` parameter; undefined if it is absent. */
  readonly requested: readonly string[] | undefined;
  /** The scopes that the resource knows. */
  readonly resource: readonly string[];
  /** The scopes for an ID-JAG without a `scope` claim. */
  readonly resourceDefault: readonly string[];
  /** The scopes that `scopesFor` has for the subject; undefined if there is no `scopesFor`. */
  readonly subject: readonly string[] | undefined;
  /** The subject's groups, for the audit record. */
  readonly groups: readonly string[];
  /** The subject's roles, for the audit record. */
  readonly roles: readonly string[];
  /** True if the result may be empty, because `authorization_details` are granted. */
  readonly mayBeEmpty?: boolean;
}

/**
 * The scopes that every limit allows: those that the request and the ID-JAG have in common, within the other limits. Throws
 * GrantRefusal `invalid_scope` if there are none.
 */
export function grantedScopes(limits: ScopeLimits): string[] {
  const { requested, resource, subject } = limits;
  const granted = limits.idJag ?? limits.resourceDefault;
  const wanted = requested === undefined ? granted : requested.filter((scope) => granted.includes(scope));
  if (requested !== undefined && requested.length > 0 && wanted.length === 0) {
    throw new GrantRefusal('invalid_scope', 'none of the requested scopes is in the ID-JAG');
  }
  const scopes = wanted.filter(
    (scope) => resource.includes(scope) && (subject === undefined || subject.includes(scope)),
  );
  if (scopes.length > 0 || limits.mayBeEmpty === true) return scopes;
  throw new GrantRefusal('invalid_scope', 'none of the scopes can be granted', reasonForNone(limits));
}

function reasonForNone({ idJag, resourceDefault, subject, groups, roles }: ScopeLimits): string {
  if (idJag === undefined && resourceDefault.length === 0) {
    return 'the ID-JAG has no scope claim, and the resource has no defaultScopes that apply';
  }
  if (subject === undefined) return 'the ID-JAG and the resource have no scope in common';
  const allowed = subject.length === 0 ? 'nothing' : `only ${names(subject)}`;
  return `scopesFor allows ${allowed} for the subject (groups: ${names(groups)}; roles: ${names(roles)})`;
}

const MAX_NAMES = 10;

function names(list: readonly string[]): string {
  return list.length === 0 ? 'none' : firstOf(list, MAX_NAMES).join(', ');
}
