/** A `Provider` of oidc-provider, whether @types/oidc-provider is installed or not. */
export interface OidcProviderLike {
  /** Its issuer identifier. */
  readonly issuer: string;
  /** Adds a grant type. */
  readonly registerGrantType: (...parameters: never[]) => unknown;
  /** Adds a middleware of Koa. */
  readonly use: (...parameters: never[]) => unknown;
  /** Adds a listener to an event. */
  readonly on: (...parameters: never[]) => unknown;
}
