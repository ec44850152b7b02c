import type { TrustedIssuer } from '@credence/protocol';
import { type Bench, IDP, SHARED_IDP } from './bad-grants.ts';
import { ALGORITHMS, Issuer } from './issuer.ts';
import { handlerTarget, providerTarget, type Target } from './targets.ts';

export interface GrantsWorld extends Bench {
  readonly target: Target;
}

/** Starts an authorization server of the given kind, and the identity providers that it trusts. */
export async function startGrantsWorld(make: 'oidc-provider' | 'Web-standard handler'): Promise<GrantsWorld> {
  const [idp, shared, stranger] = await Promise.all([
    Issuer.create(ALGORITHMS),
    Issuer.create(['ES256', 'EdDSA']),
    Issuer.create(['ES256', 'EdDSA']),
  ]);
  const issuers: Record<string, TrustedIssuer> = {
    [IDP]: { jwks: idp.jwks, algorithms: ['ES256', 'EdDSA'] },
    [SHARED_IDP]: { jwks: shared.jwks, tenants: ['red', 'blue'], audienceTenants: ['acme'] },
  };
  const target = await (make === 'oidc-provider' ? providerTarget : handlerTarget)({ issuers });
  return { target, audience: target.issuer, tokenEndpoint: target.tokenEndpoint, idp, shared, stranger };
}

export const MAKES = ['oidc-provider', 'Web-standard handler'] as const;
