type AnyFunction = (...parameters: never[]) => unknown;

/** A `Provider` of oidc-provider, whether @types/oidc-provider is installed or not. */
export interface OidcProviderLike {
  readonly issuer: string;
  readonly registerGrantType: AnyFunction;
  readonly use: AnyFunction;
  readonly on: AnyFunction;
}
