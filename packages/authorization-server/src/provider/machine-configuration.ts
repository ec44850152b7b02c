/** What is left to choose in the configuration of an oidc-provider for machines. */
export interface ProviderConfigurationOptions {
  /** DPoP (RFC 9449). Default: true. With a 32-byte `nonceSecret` the provider hands out nonces. */
  readonly dpop?: boolean | { readonly nonceSecret: Buffer; readonly requireNonce?: boolean } | undefined;
}

/**
 * `features` of an oidc-provider for machines. Its own types, `Configuration` of @types/oidc-provider, are not named here, so
 * that code which imports this compiles without them; what this says can be spread into such a configuration.
 */
export interface MachineFeatures {
  devInteractions: { enabled: false };
  userinfo: { enabled: false };
  rpInitiatedLogout: { enabled: false };
  resourceIndicators: { enabled: false };
  introspection: {
    enabled: true;
    allowedPolicy: (ctx: unknown, client: { readonly clientAuthMethod?: string | undefined }) => boolean;
  };
  revocation: {
    enabled: true;
    allowedPolicy: (
      ctx: unknown,
      client: { readonly clientId: string },
      token: { readonly clientId?: string | undefined },
    ) => boolean;
  };
  dPoP: { enabled: boolean; nonceSecret?: Buffer; requireNonce?: () => boolean };
}

/** What an oidc-provider for machines has in common, whichever side it is: nothing that needs a browser. */
export const machinesOnly: { responseTypes: [] } = { responseTypes: [] };

export function machineFeatures({ dpop = true }: ProviderConfigurationOptions): MachineFeatures {
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
