import type { Configuration } from 'oidc-provider';
import { idJagTokenClaims } from './extra-token-claims.ts';
import { machineFeatures, machinesOnly, type ProviderConfigurationOptions } from './machine-configuration.ts';

/**
 * What an authorization server that redeems ID-JAGs wants of oidc-provider: revocation by the client a token was
 * issued to, introspection by any client that authenticates, DPoP, the claims that `addIdJagGrant` puts into tokens, and
 * none of what needs a browser.
 */
export function idJagAuthorizationServerConfiguration(options: ProviderConfigurationOptions = {}): Configuration {
  return {
    ...machinesOnly,
    scopes: [],
    features: {
      ...machineFeatures(options),
      // Not the authorization requests, which need a browser: only that introspection tells what a token was given.
      richAuthorizationRequests: { enabled: false, authorizationDetailsForIntrospection: (_ctx, { rar }) => rar },
    },
    extraTokenClaims: idJagTokenClaims,
  };
}
