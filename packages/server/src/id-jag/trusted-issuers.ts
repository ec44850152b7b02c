import { checkKeySource } from '../keys/issuer-keys.ts';
import { checkList } from '../options/lists.ts';
import { checkMembers } from '../options/members.ts';
import { isObject } from './read-claim.ts';
import type { ClaimMapping, EmailLinking, TrustedIssuer } from './types.ts';

type Issuers = Readonly<Record<string, TrustedIssuer>>;

const ISSUER_MEMBERS: Readonly<Record<keyof TrustedIssuer, true>> = {
  jwks: true,
  jwksUri: true,
  algorithms: true,
  tenants: true,
  audienceTenants: true,
  claims: true,
  linkByEmail: true,
};
const MAPPING_MEMBERS: Readonly<Record<keyof ClaimMapping, true>> = {
  groups: true,
  roles: true,
  email: true,
  emailVerified: true,
};
const LINKING_MEMBERS: Readonly<Record<keyof EmailLinking, true>> = { domains: true, withoutEmailVerified: true };

/** Those that passed: `verifyIdJag` gets the same object with every request. */
const passed = new WeakSet<Issuers>();

/** Throws a TypeError that begins with `where`, for trusted issuers that cannot be meant. */
export function checkIssuers(where: string, issuers: Issuers, ownIssuer: string): void {
  if (typeof issuers !== 'object' || issuers === null || Array.isArray(issuers)) {
    throw new TypeError(`${where}: issuers is not an object with a member for each issuer`);
  }
  if (Object.hasOwn(issuers, ownIssuer)) {
    // The draft: an IdP must not issue access tokens for an ID-JAG it issued itself.
    throw new TypeError(`${where}: the server cannot be a trusted issuer of itself`);
  }
  if (passed.has(issuers)) return;
  if (Object.keys(issuers).length === 0) throw new TypeError(`${where}: issuers is empty`);
  for (const [issuer, trusted] of Object.entries(issuers)) checkIssuer(where, issuer, trusted);
  passed.add(issuers);
}

/** With `tenantOfClient` every issuer needs a list: without one, all that it signs would be refused. */
export function checkAudienceTenants(where: string, issuers: Issuers): void {
  for (const [issuer, { audienceTenants }] of Object.entries(issuers)) {
    if (audienceTenants === undefined) {
      throw new TypeError(`${where}: with tenantOfClient, issuers["${issuer}"].audienceTenants is needed`);
    }
  }
}

function checkIssuer(where: string, issuer: string, trusted: TrustedIssuer): void {
  const name = `issuers["${issuer}"]`;
  // RFC 8414 section 2. Account ids join issuer, tenant and subject by these.
  if (/[?#]/u.test(issuer)) throw new TypeError(`${where}: ${name} has a query or a fragment`);
  checkMembers(where, name, trusted, ISSUER_MEMBERS);
  const { jwks, jwksUri, algorithms, tenants, audienceTenants, claims } = trusted;
  checkKeySource(`${where}: ${name}`, { issuer, jwks, jwksUri });
  checkList(where, `${name}.algorithms`, algorithms);
  if (tenants !== 'any') checkList(where, `${name}.tenants`, tenants);
  checkList(where, `${name}.audienceTenants`, audienceTenants);
  if (claims !== undefined) checkMembers(where, `${name}.claims`, claims, MAPPING_MEMBERS);
  checkLinking(where, `${name}.linkByEmail`, trusted);
}

/** A tenant's administrator can give any address to anybody in it: a domain counts in the tenant it belongs to. */
function checkLinking(where: string, name: string, { linkByEmail, tenants }: TrustedIssuer): void {
  if (linkByEmail === undefined) return;
  checkMembers(where, name, linkByEmail, LINKING_MEMBERS);
  const { domains, withoutEmailVerified = false } = linkByEmail;
  if (typeof withoutEmailVerified !== 'boolean') {
    throw new TypeError(`${where}: ${name}.withoutEmailVerified is neither true nor false`);
  }
  if (Array.isArray(domains)) {
    checkList(where, `${name}.domains`, domains);
    if (tenants === 'any' || (tenants !== undefined && tenants.length > 1)) {
      throw new TypeError(`${where}: ${name}.domains must be given for each tenant, { tenant: [domain] }`);
    }
    return;
  }
  const byTenant = isObject(domains) ? Object.entries(domains) : [];
  if (byTenant.length === 0) {
    throw new TypeError(`${where}: ${name}.domains is neither a list of domains nor one for each tenant`);
  }
  for (const [tenant, listed] of byTenant) {
    checkList(where, `${name}.domains["${tenant}"]`, listed);
    if (tenants !== 'any' && tenants?.includes(tenant) !== true) {
      throw new TypeError(`${where}: ${name}.domains names the tenant ${tenant}, which tenants does not`);
    }
  }
}
