import { checkShape, type IdJag, scope, type TrustedIssuer } from '@credence/protocol';
import { z } from 'zod';

/**
 * One row of a table with the scopes that subjects may have. A row applies to a subject if all its conditions are true. A
 * subject may have the scopes of every row that applies to it. A row without conditions applies to every subject, so a
 * condition must not be present with the value undefined.
 */
export interface ScopeRule {
  /** The claim `iss`. Required in a row with conditions if several issuers are trusted: each has its own group names. */
  readonly issuer?: string;
  /** The claim `tenant`. Required in a row with conditions if the issuer may have several tenants: each has its own groups. */
  readonly tenant?: string;
  /** The claim `sub` must equal this. */
  readonly subject?: string;
  /** The claim `groups` must contain this. */
  readonly group?: string;
  /** The claim `roles` must contain this. */
  readonly role?: string;
  /** Claims that must equal this value, or be a list that contains it. */
  readonly claims?: Readonly<Record<string, string | number | boolean>>;
  /** The row applies to this resource only. Default: to all resources. */
  readonly resource?: string;
  /** The scopes that the row grants. */
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
      .refine((claims) => Object.keys(claims).length > 0, 'contains no claim, so the row would apply to everybody')
      .optional(),
    resource: name,
    scopes: z.array(scope),
  })
  .refine((rule) => Object.values(rule).every((member) => member !== undefined), {
    error: 'has a member that is undefined; without that condition the row would apply to everybody',
  });
const rulesSchema = z.array(ruleSchema);

/** The scopes of every row that applies. */
export function scopesByRules(rules: readonly ScopeRule[], idJag: IdJag, resource: string): string[] {
  return [...new Set(rules.filter((rule) => applies(rule, idJag, resource)).flatMap(({ scopes }) => scopes))];
}

function applies(rule: ScopeRule, idJag: IdJag, resource: string): boolean {
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

/**
 * Throws a TypeError if a row would apply to unintended subjects, or contains an issuer, tenant, resource or scope that is not
 * configured.
 */
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
    if (unknown !== undefined) throw new TypeError(`${row} grants ${unknown}, which is a scope of no such resource`);
  }
}

/** Checks that a row's conditions name the issuer and tenant if several are possible, because each can use any group name. */
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
    throw new TypeError(
      `${row} needs an issuer: several are trusted, and each has its own names of subjects and groups`,
    );
  }
  for (const [each, { tenants }] of named) {
    if (tenant !== undefined && tenants !== 'any' && tenants?.includes(tenant) !== true) {
      throw new TypeError(`${row} is for the tenant ${tenant}, which is not accepted for ${each}`);
    }
    const isMultiTenant = tenants === 'any' || (tenants !== undefined && tenants.length > 1);
    if (isMultiTenant && tenant === undefined && isConditional) {
      throw new TypeError(
        `${row} needs a tenant: several of ${each} are accepted, and each has its own names of groups`,
      );
    }
  }
}
