import { checkKeySource } from '../keys/issuer-keys.ts';
import { isObject } from './read-claim.ts';
import type { TrustedIssuer } from './types.ts';

type Issuers = Readonly<Record<string, TrustedIssuer>>;

/** Those that were found in order, so that `verifyIdJag` looks at the same ones once. */
const inOrder = new WeakSet<Issuers>();

/** Throws a TypeError that begins with `where`, for trusted issuers that cannot be meant. */
export function checkIssuers(where: string, issuers: Issuers, ownIssuer: string): void {
  if (typeof issuers !== 'object' || issuers === null || Array.isArray(issuers)) {
    throw new TypeError(`${where}: issuers is not an object with a member for each issuer`);
  }
  if (Object.hasOwn(issuers, ownIssuer)) {
    // The draft: an IdP must not issue access tokens for an ID-JAG it issued itself.
    throw new TypeError(`${where}: the server cannot be a trusted issuer of itself`);
  }
  if (inOrder.has(issuers)) return;
  if (Object.keys(issuers).length === 0) throw new TypeError(`${where}: issuers is empty`);
  for (const [issuer, trusted] of Object.entries(issuers)) {
    const option = `${where}: issuers["${issuer}"]`;
    if (typeof trusted !== 'object' || trusted === null) throw new TypeError(`${option} is not an object`);
    checkIssuer(option, issuer, trusted);
  }
  inOrder.add(issuers);
}

/** Where clients belong to tenants, an issuer without a list of them could let nobody in. */
export function checkAudienceTenants(where: string, issuers: Issuers): void {
  for (const [issuer, { audienceTenants }] of Object.entries(issuers)) {
    if (audienceTenants === undefined) {
      throw new TypeError(`${where}: with tenantOfClient, issuers["${issuer}"].audienceTenants is needed`);
    }
  }
}

function checkIssuer(where: string, issuer: string, trusted: TrustedIssuer): void {
  const { algorithms, tenants, audienceTenants } = trusted;
  checkKeySource(where, { issuer, jwks: trusted.jwks, jwksUri: trusted.jwksUri });
  checkList(where, 'algorithms', algorithms);
  if (tenants !== 'any') checkList(where, 'tenants', tenants);
  checkList(where, 'audienceTenants', audienceTenants);
  checkLinking(where, trusted);
}

/** An address is anybody's in a tenant where its domain is not: each tenant's administrator writes what he likes. */
function checkLinking(where: string, { linkByEmail, tenants }: TrustedIssuer): void {
  if (linkByEmail === undefined) return;
  const { domains } = linkByEmail;
  if (Array.isArray(domains)) {
    checkList(where, 'linkByEmail.domains', domains);
    if (tenants === 'any' || (tenants !== undefined && tenants.length > 1)) {
      throw new TypeError(`${where}.linkByEmail.domains are to be listed for each tenant, { tenant: [domain] }`);
    }
    return;
  }
  const byTenant = isObject(domains) ? Object.entries(domains) : [];
  if (byTenant.length === 0) throw new TypeError(`${where}.linkByEmail.domains are no domains`);
  for (const [tenant, listed] of byTenant) {
    checkList(where, `linkByEmail.domains["${tenant}"]`, listed);
    if (tenants !== 'any' && tenants?.includes(tenant) !== true) {
      throw new TypeError(`${where}.linkByEmail.domains names the tenant ${tenant}, which tenants does not`);
    }
  }
}

/** A text is searched for a part of it where a list is searched for an entry. */
function checkList(where: string, name: string, list: readonly string[] | undefined): void {
  if (list === undefined) return;
  if (!Array.isArray(list) || !list.every((entry) => typeof entry === 'string')) {
    throw new TypeError(`${where}.${name} is not a list of strings`);
  }
  if (list.length === 0) throw new TypeError(`${where}.${name} is empty, which would refuse everybody; leave it out`);
}
