import type { Configuration } from 'oidc-provider';
import { idJagTokenClaims } from './extra-token-claims.ts';
import { machineFeatures, machinesOnly, type ProviderConfigurationOptions } from './machine-configuration.ts';

/**
 * The configuration of an oidc-provider that redeems ID-JAGs. The configuration enables revocation by the client that a
 * token was issued to, introspection by any client that authenticates, DPoP, and the claims that `addIdJagGrant` adds to
 * tokens. The configuration disables every feature that needs a browser.
 */
export function idJagAuthorizationServerConfiguration(options: ProviderConfigurationOptions = {}): Configuration {
  return {
    ...machinesOnly,
    scopes: [],
    features: {
      ...machineFeatures(options),
      // Disabled for authorization requests. The setting only adds authorization_details to introspection responses.
      richAuthorizationRequests: { enabled: false, authorizationDetailsForIntrospection: (_ctx, { rar }) => rar },
    },
    extraTokenClaims: idJagTokenClaims,
  };
}
