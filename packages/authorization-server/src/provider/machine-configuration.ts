/** Options for the configuration of an oidc-provider whose clients are machines. */
export interface ProviderConfigurationOptions {
  /** Whether DPoP is enabled (RFC 9449). Default: true. With a 32-byte `nonceSecret` the provider issues nonces. */
  readonly dpop?: boolean | { readonly nonceSecret: Buffer; readonly requireNonce?: boolean } | undefined;
}

/**
 * `features` in the configuration of an oidc-provider whose clients are machines. This type does not use `Configuration` of
 * @types/oidc-provider, so that code that imports the type compiles without that package. A value of this type can be spread into a
 * configuration.
 */
export interface MachineFeatures {
  /** Disabled: no user signs in at this provider. */
  devInteractions: { enabled: false };
  /** Disabled: there are no users. */
  userinfo: { enabled: false };
  /** Disabled: there are no authorization requests. */
  pushedAuthorizationRequests: { enabled: false };
  /** Disabled: there are no sessions. */
  rpInitiatedLogout: { enabled: false };
  /** Disabled: the grants of this project read `resource` themselves. */
  resourceIndicators: { enabled: false };
  /** Introspection (RFC 7662), for clients that authenticate. */
  introspection: {
    enabled: true;
    allowedPolicy: (ctx: unknown, client: { readonly clientAuthMethod?: string | undefined }) => boolean;
  };
  /** Revocation (RFC 7009), by the client that a token was issued to. */
  revocation: {
    enabled: true;
    allowedPolicy: (
      ctx: unknown,
      client: { readonly clientId: string },
      token: { readonly clientId?: string | undefined },
    ) => boolean;
  };
  /** DPoP (RFC 9449). */
  dPoP: { enabled: boolean; nonceSecret?: Buffer; requireNonce?: () => boolean };
}

/** The configuration of an oidc-provider whose clients are machines: no response types, which need a browser. */
export const machinesOnly: { responseTypes: [] } = { responseTypes: [] };

/** The features of an oidc-provider whose clients are machines. */
export function machineFeatures({ dpop = true }: ProviderConfigurationOptions): MachineFeatures {
  return {
    devInteractions: { enabled: false },
    userinfo: { enabled: false },
    pushedAuthorizationRequests: { enabled: false },
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
