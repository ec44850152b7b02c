import {
  type MachineFeatures,
  machineFeatures,
  machinesOnly,
  type ProviderConfigurationOptions,
} from '@credence/authorization-server/internals';

/** A part of the configuration of an oidc-provider. */
export interface IdJagIdentityProviderConfiguration {
  /** None: nobody signs in here. */
  responseTypes: [];
  /** The scopes that the provider knows. */
  scopes: string[];
  /** In seconds. */
  ttl: { ClientCredentials: number };
  /** The features that are on and off. */
  features: MachineFeatures & { clientCredentials: { enabled: true } };
}

/**
 * What an identity provider for service principals wants of oidc-provider: `client_credentials` with `openid`, and
 * none of what needs a browser. Spread it into the configuration and add `clients`, `jwks` and the rest.
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
