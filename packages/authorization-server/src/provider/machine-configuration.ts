import type { Configuration } from 'oidc-provider';

/** What is left to choose in the configuration of an oidc-provider for machines. */
export interface ProviderConfigurationOptions {
  /** DPoP (RFC 9449). Default: true. With a 32-byte `nonceSecret` the provider hands out nonces. */
  readonly dpop?: boolean | { readonly nonceSecret: Buffer; readonly requireNonce?: boolean } | undefined;
}

/** What an oidc-provider for machines has in common, whichever side it is: nothing that needs a browser. */
export const machinesOnly = { responseTypes: [] } satisfies Configuration;

/** The features of oidc-provider that a provider for machines has on, and those that it has off. */
export function machineFeatures({ dpop = true }: ProviderConfigurationOptions): NonNullable<Configuration['features']> {
  return {
    devInteractions: { enabled: false },
    userinfo: { enabled: false },
    rpInitiatedLogout: { enabled: false },
    resourceIndicators: { enabled: false },
    introspection: {
      enabled: true,
      allowedPolicy: (_ctx, client) => client.clientAuthMethod !== 'none',
    },
    revocation: {
      enabled: true,
      allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId,
    },
    dPoP:
      typeof dpop === 'boolean'
        ? { enabled: dpop }
        : {
            enabled: true,
            nonceSecret: dpop.nonceSecret,
            requireNonce: () => dpop.requireNonce ?? false,
          },
  };
}
