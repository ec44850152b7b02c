import { machineFeatures, machinesOnly } from '@credence/authorization-server/internals';
import type { ProviderConfigurationOptions } from '@credence/authorization-server/oidc-provider';
import type { Configuration } from 'oidc-provider';

/**
 * What an identity provider for service principals wants of oidc-provider: `client_credentials` with `openid`, and
 * none of what needs a browser. Spread it into the configuration and add `clients`, `jwks` and the rest.
 */
export function idJagIdentityProviderConfiguration(options: ProviderConfigurationOptions = {}): Configuration {
  return {
    ...machinesOnly,
    scopes: ['openid'],
    ttl: { ClientCredentials: 300 },
    features: { ...machineFeatures(options), clientCredentials: { enabled: true } },
  };
}
