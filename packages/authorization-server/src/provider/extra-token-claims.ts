const claimsOf = new WeakMap<object, Readonly<Record<string, unknown>>>();

/**
 * A function for `extraTokenClaims` of oidc-provider. The function returns the claims that `addIdJagGrant` adds to an access token.
 * `idJagAuthorizationServerConfiguration` sets it. If you set your own `extraTokenClaims`, call this function there.
 */
export function idJagTokenClaims(_ctx: unknown, token: object): Record<string, unknown> | undefined {
  const claims = claimsOf.get(token);
  return claims === undefined ? undefined : { ...claims };
}

/** Sets the claims that {@link idJagTokenClaims} returns for this token. */
export function setClaims(token: object, claims: Readonly<Record<string, unknown>>): void {
  if (Object.keys(claims).length > 0) claimsOf.set(token, claims);
}

/** Whether a saved token has the claims. False if the provider's `extraTokenClaims` did not add them. */
export function carriesClaims(
  token: { readonly extra?: Record<string, unknown> | undefined },
  claims: Readonly<Record<string, unknown>>,
): boolean {
  const { extra = {} } = token;
  return Object.keys(claims).every((name) => Object.hasOwn(extra, name));
}
