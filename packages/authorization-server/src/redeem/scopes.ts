import { firstOf } from '../grant/audit-record.ts';
import { GrantRefusal } from '../grant/refusal.ts';

export interface ScopeCeilings {
  /** The ID-JAG's scopes; undefined where it has no `scope` claim. */
  readonly idJag: readonly string[] | undefined;
  /** The `scope` parameter; undefined where it is absent. */
  readonly requested: readonly string[] | undefined;
  /** What the resource knows. */
  readonly resource: readonly string[];
  /** What an ID-JAG without scopes may have. */
  readonly resourceDefault: readonly string[];
  /** What `scopesFor` has for the subject; undefined where there is no such ceiling. */
  readonly subject: readonly string[] | undefined;
  /** What the subject belongs to, for the audit record. */
  readonly groups: readonly string[];
  readonly roles: readonly string[];
  /** Whether something else than scopes is granted, so that there need be none. */
  readonly mayBeNone?: boolean;
}

/**
 * The scopes every ceiling allows. Throws GrantRefusal `invalid_scope` where that is none, or more is asked for than
 * the ID-JAG has.
 */
export function grantedScopes(ceilings: ScopeCeilings): string[] {
  const { requested, resource, subject } = ceilings;
  const granted = ceilings.idJag ?? ceilings.resourceDefault;
  if (requested?.some((scope) => !granted.includes(scope)) === true) {
    throw new GrantRefusal('invalid_scope', 'a scope was requested that the ID-JAG does not grant');
  }
  const scopes = (requested ?? granted).filter(
    (scope) => resource.includes(scope) && (subject === undefined || subject.includes(scope)),
  );
  if (scopes.length > 0 || ceilings.mayBeNone === true) return scopes;
  throw new GrantRefusal('invalid_scope', 'none of the scopes can be granted', whyNone(ceilings));
}

function whyNone({ idJag, resourceDefault, subject, groups, roles }: ScopeCeilings): string {
  if (idJag === undefined && resourceDefault.length === 0) {
    return 'the ID-JAG has no scope claim and the resource no defaultScopes that apply';
  }
  if (subject === undefined) return 'the ID-JAG and the resource have no scope in common';
  const has = subject.length === 0 ? 'nothing' : `only ${names(subject)}`;
  return `scopesFor has ${has} for the subject (groups: ${names(groups)}; roles: ${names(roles)})`;
}

const MAX_NAMED = 10;

function names(list: readonly string[]): string {
  return list.length === 0 ? 'none' : firstOf(list, MAX_NAMED).join(', ');
}
