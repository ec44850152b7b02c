import {
  type MachineFeatures,
  machineFeatures,
  machinesOnly,
  type ProviderConfigurationOptions,
} from '@credence/authorization-server/internals';

/** A part of the configuration of an oidc-provider. */
export interface IdJagIdentityProviderConfiguration {
  /** Empty, because no user signs in at this provider. */
  responseTypes: [];
  /** The scopes of the provider. */
  scopes: string[];
  /** Lifetimes, in seconds. */
  ttl: { ClientCredentials: number };
  /** The features that are enabled and disabled. */
  features: MachineFeatures & { clientCredentials: { enabled: true } };
}

/**
 * Returns a configuration of oidc-provider for an identity provider of service principals: `client_credentials` with the scope
 * `openid`, and no features that need a browser. Spread it into your configuration and add `clients`, `jwks` and the other
 * members.
 */
export function idJagIdentityProviderConfiguration(
  options: ProviderConfigurationOptions = {},
): IdJagIdentityProviderConfiguration {
  return {
    ...machinesOnly,
    scopes: ['openid'],
    ttl: { ClientCredentials: 300 },
    features: { ...machineFeatures(options), clientCredentials: { enabled: true } },
  };
}
