import { checkShape, type IdJag, scope, type TrustedIssuer } from '@credence/protocol';
import { z } from 'zod';

/**
 * One row of a table that says what subjects may have here. All conditions of a row must hold; a subject has the scopes
 * of every row that holds for it. A row without conditions is for everybody, so a condition that is there must not be
 * undefined.
 */
export interface ScopeRule {
  /** Required in a row with conditions where several issuers are trusted: each has an `admins` of its own. */
  readonly issuer?: string;
  /** Required in a row with conditions for an issuer with several tenants, or any: so has each of them. */
  readonly tenant?: string;
  /** The claim `sub` must be this. */
  readonly subject?: string;
  /** The claim `groups` must hold this. */
  readonly group?: string;
  /** The claim `roles` must hold this. */
  readonly role?: string;
  /** Claims that must have this value, or a list that holds it. */
  readonly claims?: Readonly<Record<string, string | number | boolean>>;
  /** Only for this resource. Default: for all. */
  readonly resource?: string;
  /** The scopes that a subject has for which the row holds. */
  readonly scopes: readonly string[];
}

const name = z.string().min(1).optional();
const ruleSchema = z
  .strictObject({
    issuer: name,
    tenant: name,
    subject: name,
    group: name,
    role: name,
    claims: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
      .refine((claims) => Object.keys(claims).length > 0, 'names no claim, and holds for everybody')
      .optional(),
    resource: name,
    scopes: z.array(scope),
  })
  .refine((rule) => Object.values(rule).every((member) => member !== undefined), {
    error: 'has a member that is undefined; left out, it would hold for everybody',
  });
const rulesSchema = z.array(ruleSchema);

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
    readonly issuers: Readonly<Record<string, Pick<TrustedIssuer, 'tenants'>>>;
    readonly resources: Readonly<Record<string, { readonly scopes: readonly string[] }>>;
  },
): void {
  checkShape(`${where}: scopesFor`, rulesSchema, rules);
  for (const [at, rule] of rules.entries()) {
    const row = `${where}: scopesFor[${at}]`;
    checkSubjects(row, rule, known.issuers);
    const { resource, scopes } = rule;
    if (resource !== undefined && !Object.hasOwn(known.resources, resource)) {
      throw new TypeError(`${row} is for the resource ${resource}, which is not served`);
    }
    const unknown = scopes.find(
      (granted) =>
        !Object.entries(known.resources).some(
          ([each, { scopes: some }]) => (resource === undefined || resource === each) && some.includes(granted),
        ),
    );
    if (unknown !== undefined) throw new TypeError(`${row} grants ${unknown}, a scope that no such resource has`);
  }
}

/** Whoever can name a group must not be able to name that of somebody else. */
function checkSubjects(
  row: string,
  { issuer, tenant, resource: _resource, scopes: _scopes, ...conditions }: ScopeRule,
  issuers: Readonly<Record<string, Pick<TrustedIssuer, 'tenants'>>>,
): void {
  if (issuer !== undefined && !Object.hasOwn(issuers, issuer)) {
    throw new TypeError(`${row} is for the issuer ${issuer}, which is not trusted`);
  }
  const isConditional = Object.keys(conditions).length > 0;
  const named = Object.entries(issuers).filter(([each]) => issuer === undefined || issuer === each);
  if (named.length > 1 && (isConditional || tenant !== undefined)) {
    throw new TypeError(`${row} needs an issuer: several are trusted, and each names its subjects and groups alone`);
  }
  for (const [each, { tenants }] of named) {
    if (tenant !== undefined && tenants !== 'any' && tenants?.includes(tenant) !== true) {
      throw new TypeError(`${row} is for the tenant ${tenant}, which is not accepted of ${each}`);
    }
    const isMultiTenant = tenants === 'any' || (tenants !== undefined && tenants.length > 1);
    if (isMultiTenant && tenant === undefined && isConditional) {
      throw new TypeError(`${row} needs a tenant: several of ${each} are accepted, and each names its groups alone`);
    }
  }
}
