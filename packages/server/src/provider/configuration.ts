import type { Configuration } from 'oidc-provider';
import { idJagTokenClaims } from './extra-token-claims.ts';

/** What is left to choose in the configuration of an oidc-provider for machines. */
export interface ProviderConfigurationOptions {
  /** DPoP (RFC 9449). Default: true. With a 32-byte `nonceSecret` the provider hands out nonces. */
  readonly dpop?: boolean | { readonly nonceSecret: Buffer; readonly requireNonce?: boolean } | undefined;
}

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

/**
 * What an authorization server that redeems ID-JAGs wants of oidc-provider: revocation by the client a token was
 * issued to, introspection by any client that authenticates, DPoP, the claims that `redeemIdJag` puts into tokens, and
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

const machinesOnly = { responseTypes: [] } satisfies Configuration;

function machineFeatures({ dpop = true }: ProviderConfigurationOptions): NonNullable<Configuration['features']> {
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
