/** A `Provider` of oidc-provider. Declared here so that the types work without @types/oidc-provider. */
export interface OidcProviderLike {
  /** The provider's issuer identifier. */
  readonly issuer: string;
  /** Adds a grant type. */
  readonly registerGrantType: (...parameters: never[]) => unknown;
  /** Adds a middleware of Koa. */
  readonly use: (...parameters: never[]) => unknown;
  /** Adds a listener to an event. */
  readonly on: (...parameters: never[]) => unknown;
}
