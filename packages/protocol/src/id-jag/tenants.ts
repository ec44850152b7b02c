import { shown } from '../text/shown.ts';
import { IdJagError } from './error.ts';
import { type Claims, optionalString } from './read-claim.ts';
import type { IdJag, TrustedIssuer } from './types.ts';

/**
 * The tenants an ID-JAG names, each held against what the issuer is trusted with. A tenant that is named and not
 * expected is refused like one that is expected and not named: either way the two sides mean different subjects.
 */
export function readTenants(
  claims: Claims,
  trusted: TrustedIssuer,
  clientTenant: string | undefined,
): Pick<IdJag, 'tenant' | 'audienceTenant'> {
  const tenant = optionalString(claims, 'tenant');
  const { tenants, audienceTenants } = trusted;
  if (tenants === undefined ? tenant !== undefined : tenant === undefined || !lists(tenants, tenant)) {
    throw new IdJagError('wrong_tenant', named('tenant', tenant));
  }
  const audienceTenant = optionalString(claims, 'aud_tenant');
  if (
    (audienceTenants === undefined
      ? audienceTenant !== undefined
      : audienceTenant === undefined || !audienceTenants.includes(audienceTenant)) ||
    (clientTenant !== undefined && audienceTenant !== clientTenant)
  ) {
    throw new IdJagError('wrong_audience_tenant', named('aud_tenant', audienceTenant));
  }
  return { tenant, audienceTenant };
}

function lists(tenants: readonly string[] | 'any', tenant: string): boolean {
  return tenants === 'any' || tenants.includes(tenant);
}

function named(claim: string, value: string | undefined): string {
  return value === undefined ? `no ${claim}` : `${claim} ${shown(value)}`;
}
