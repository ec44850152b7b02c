import { checkedElsewhere, checkKeySource, checkShape, flag, type TrustedIssuer } from '@credence/protocol';
import { z } from 'zod';
type Issuers = Readonly<Record<string, TrustedIssuer>>;

const list = z.array(z.string()).min(1);
const claimPath = z.union([z.string(), list]).optional();

/** Strict, because a misspelt member such as `algoritms` would otherwise be ignored, and every algorithm be accepted. */
const issuerSchema = z.strictObject({
  jwks: checkedElsewhere,
  jwksUri: z.string().optional(),
  algorithms: list.optional(),
  tenants: z.union([z.literal('any'), list]).optional(),
  audienceTenants: list.optional(),
  claims: z
    .strictObject({ groups: claimPath, roles: claimPath, email: claimPath, emailVerified: claimPath })
    .optional(),
  linkByEmail: z
    .strictObject({ domains: z.union([list, z.record(z.string(), list)]), withoutEmailVerified: flag })
    .optional(),
});

/** The objects that are checked already, because `verifyIdJag` gets the same object with every request. */
const checked = new WeakSet<Issuers>();

/** Throws a TypeError that begins with `where` for invalid trusted issuers. */
export function checkIssuers(where: string, issuers: Issuers, ownIssuer: string): void {
  if (typeof issuers !== 'object' || issuers === null || Array.isArray(issuers)) {
    throw new TypeError(`${where}: issuers is not an object with a member for each issuer`);
  }
  if (Object.hasOwn(issuers, ownIssuer)) {
    // The draft: an IdP must not issue access tokens for an ID-JAG that it issued itself.
    throw new TypeError(`${where}: the server cannot be a trusted issuer of itself`);
  }
  if (checked.has(issuers)) return;
  if (Object.keys(issuers).length === 0) throw new TypeError(`${where}: issuers is empty`);
  for (const [issuer, trusted] of Object.entries(issuers))
    checkIssuer(`${where}: issuers["${issuer}"]`, issuer, trusted);
  checked.add(issuers);
}

/** Throws a TypeError for an issuer without `audienceTenants`. With `tenantOfClient`, all its ID-JAGs would be refused. */
export function checkAudienceTenants(where: string, issuers: Issuers): void {
  for (const [issuer, { audienceTenants }] of Object.entries(issuers)) {
    if (audienceTenants === undefined) {
      throw new TypeError(`${where}: with tenantOfClient, issuers["${issuer}"].audienceTenants is required`);
    }
  }
}

function checkIssuer(where: string, issuer: string, trusted: TrustedIssuer): void {
  // RFC 8414 section 2. Default account ids use `?` and `#` as separators between issuer, tenant and subject.
  if (/[?#]/u.test(issuer)) throw new TypeError(`${where} has a query or a fragment`);
  checkShape(where, issuerSchema, trusted);
  checkKeySource(where, { issuer, jwks: trusted.jwks, jwksUri: trusted.jwksUri });
  checkLinking(`${where}.linkByEmail.domains`, trusted);
}

/** Requires domains by tenant for an issuer with several tenants: each tenant's administrator can assign any address. */
function checkLinking(where: string, { linkByEmail, tenants }: TrustedIssuer): void {
  if (linkByEmail === undefined) return;
  const { domains } = linkByEmail;
  if (Array.isArray(domains)) {
    if (tenants === 'any' || (tenants !== undefined && tenants.length > 1)) {
      throw new TypeError(`${where} must be set for each tenant, { tenant: [domain] }`);
    }
    return;
  }
  const named = Object.keys(domains);
  if (named.length === 0) throw new TypeError(`${where} is empty`);
  const other = named.find((tenant) => tenants !== 'any' && tenants?.includes(tenant) !== true);
  if (other !== undefined) throw new TypeError(`${where} names the tenant ${other}, which is not in tenants`);
}
