import { mayFetchConfigured } from '../keys/fetch-json.ts';
import type { TrustedIssuer } from './types.ts';

/** Throws a TypeError that begins with `where`, for trusted issuers that cannot be meant. */
export function checkIssuers(
  where: string,
  issuers: Readonly<Record<string, TrustedIssuer>>,
  ownIssuer: string | undefined,
): void {
  if (Object.keys(issuers).length === 0) throw new TypeError(`${where}: issuers is empty`);
  if (ownIssuer !== undefined && Object.hasOwn(issuers, ownIssuer)) {
    // The draft: an IdP must not issue access tokens for an ID-JAG it issued itself.
    throw new TypeError(`${where}: the server cannot be a trusted issuer of itself`);
  }
  for (const [issuer, trusted] of Object.entries(issuers)) {
    const { jwks, jwksUri, tenants, audienceTenants, linkByEmail } = trusted;
    if (jwks === undefined && !mayFetchConfigured(jwksUri ?? issuer)) {
      throw new TypeError(`${where}: the keys of ${issuer} cannot be fetched, it is neither https nor on loopback`);
    }
    if (tenants?.length === 0 || audienceTenants?.length === 0 || linkByEmail?.domains.length === 0) {
      throw new TypeError(`${where}: an empty list for ${issuer} would refuse everybody; leave it out`);
    }
  }
}
