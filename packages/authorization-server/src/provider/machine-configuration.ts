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
  /** Off: nobody signs in here. */
  devInteractions: { enabled: false };
  /** Off: there are no users. */
  userinfo: { enabled: false };
  /** Off: there are no sessions. */
  rpInitiatedLogout: { enabled: false };
  /** Off: the grants of this project read `resource` themselves. */
  resourceIndicators: { enabled: false };
  /** RFC 7662, for clients that authenticate. */
  introspection: {
    enabled: true;
    allowedPolicy: (ctx: unknown, client: { readonly clientAuthMethod?: string | undefined }) => boolean;
  };
  /** RFC 7009, for the client that a token was issued to. */
  revocation: {
    enabled: true;
    allowedPolicy: (
      ctx: unknown,
      client: { readonly clientId: string },
      token: { readonly clientId?: string | undefined },
    ) => boolean;
  };
  /** RFC 9449. */
  dPoP: { enabled: boolean; nonceSecret?: Buffer; requireNonce?: () => boolean };
}

/** What an oidc-provider for machines has in common, whichever side it is: nothing that needs a browser. */
export const machinesOnly: { responseTypes: [] } = { responseTypes: [] };

/** The features of oidc-provider that a provider for machines has on, and those that it has off. */
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
