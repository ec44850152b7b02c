import { quoted } from '../text/quoted.ts';
import { IdJagError } from './error.ts';
import { type Claims, optionalString } from './read-claim.ts';
import type { IdJag, TrustedIssuer } from './types.ts';

/**
 * Reads `tenant` and `aud_tenant`, and checks them against the tenants that are configured for the issuer. An ID-JAG is
 * refused if a configured tenant claim is missing, and if a tenant claim is present that is not configured: in both cases
 * the issuer and this server can mean different subjects. Throws IdJagError.
 */
export function readTenants(
  claims: Claims,
  trusted: TrustedIssuer,
  clientTenant: string | undefined,
): Pick<IdJag, 'tenant' | 'audienceTenant'> {
  const tenant = optionalString(claims, 'tenant');
  const { tenants, audienceTenants } = trusted;
  if (tenants === undefined ? tenant !== undefined : tenant === undefined || !isListed(tenants, tenant)) {
    throw new IdJagError('wrong_tenant', describeClaim('tenant', tenant));
  }
  const audienceTenant = optionalString(claims, 'aud_tenant');
  if (
    (audienceTenants === undefined
      ? audienceTenant !== undefined
      : audienceTenant === undefined || !audienceTenants.includes(audienceTenant)) ||
    (clientTenant !== undefined && audienceTenant !== clientTenant)
  ) {
    throw new IdJagError('wrong_audience_tenant', describeClaim('aud_tenant', audienceTenant));
  }
  return { tenant, audienceTenant };
}

function isListed(tenants: readonly string[] | 'any', tenant: string): boolean {
  return tenants === 'any' || tenants.includes(tenant);
}

function describeClaim(claim: string, value: string | undefined): string {
  return value === undefined ? `no ${claim}` : `${claim} ${quoted(value)}`;
}
