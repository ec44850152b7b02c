import { isObject } from '../id-jag/read-claim.ts';
import type { IdJag } from '../id-jag/types.ts';

/**
 * One row of a table that says what subjects may have here. All conditions of a row must hold; a subject has the scopes
 * of every row that holds for it. A row without conditions is for everybody.
 */
export interface ScopeRule {
  /** Required in a row with conditions where several issuers are trusted: each has an `admins` of its own. */
  readonly issuer?: string | undefined;
  readonly tenant?: string | undefined;
  readonly subject?: string | undefined;
  readonly group?: string | undefined;
  readonly role?: string | undefined;
  /** Claims that must have this value, or a list that holds it. */
  readonly claims?: Readonly<Record<string, string | number | boolean>> | undefined;
  /** Only for this resource. Default: for all. */
  readonly resource?: string | undefined;
  readonly scopes: readonly string[];
}

/** The scopes of every row that holds. */
export function scopesByRules(rules: readonly ScopeRule[], idJag: IdJag, resource: string): string[] {
  return [...new Set(rules.filter((rule) => holds(rule, idJag, resource)).flatMap(({ scopes }) => scopes))];
}

function holds(rule: ScopeRule, idJag: IdJag, resource: string): boolean {
  const { issuer, tenant, subject, group, role, claims = {} } = rule;
  return (
    (rule.resource === undefined || rule.resource === resource) &&
    (issuer === undefined || issuer === idJag.issuer) &&
    (tenant === undefined || tenant === idJag.tenant) &&
    (subject === undefined || subject === idJag.subject) &&
    (group === undefined || idJag.groups.includes(group)) &&
    (role === undefined || idJag.roles.includes(role)) &&
    Object.entries(claims).every(([name, wanted]) => {
      const value = Object.hasOwn(idJag.claims, name) ? idJag.claims[name] : undefined;
      return value === wanted || (Array.isArray(value) && value.includes(wanted));
    })
  );
}

/** Throws a TypeError for a table that grants to others than it seems to, or that names what does not exist. */
export function checkScopeRules(
  where: string,
  rules: readonly ScopeRule[],
  known: {
    readonly issuers: Readonly<Record<string, unknown>>;
    readonly resources: Readonly<Record<string, { readonly scopes: readonly string[] }>>;
  },
): void {
  const severalIssuers = Object.keys(known.issuers).length > 1;
  for (const [at, rule] of rules.entries()) {
    const row = `${where}: scopesFor[${at}]`;
    if (!isObject(rule) || !Array.isArray(rule.scopes)) throw new TypeError(`${row} has no scopes`);
    const { issuer, resource, scopes, ...conditions } = rule;
    if (issuer !== undefined && !Object.hasOwn(known.issuers, issuer)) {
      throw new TypeError(`${row} is for the issuer ${issuer}, which is not trusted`);
    }
    if (resource !== undefined && !Object.hasOwn(known.resources, resource)) {
      throw new TypeError(`${row} is for the resource ${resource}, which is not served`);
    }
    const conditional = Object.values(conditions).some((condition) => condition !== undefined);
    if (severalIssuers && issuer === undefined && conditional) {
      throw new TypeError(`${row} needs an issuer: several are trusted, and each names its subjects and groups alone`);
    }
    const unknown = scopes.find(
      (scope) =>
        !Object.entries(known.resources).some(
          ([name, { scopes: some }]) => (resource === undefined || resource === name) && some.includes(scope),
        ),
    );
    if (unknown !== undefined) throw new TypeError(`${row} grants ${unknown}, a scope that no such resource has`);
  }
}
