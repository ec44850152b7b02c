const claimsOf = new WeakMap<object, Readonly<Record<string, unknown>>>();

/**
 * The provider's `extraTokenClaims`: what `addIdJagGrant` wants in an access token beyond what the provider puts there.
 * `idJagAuthorizationServerConfiguration` has it; who has an `extraTokenClaims` of their own calls it there.
 */
export function idJagTokenClaims(_ctx: unknown, token: object): Record<string, unknown> | undefined {
  const claims = claimsOf.get(token);
  return claims === undefined ? undefined : { ...claims };
}

/** Says what {@link idJagTokenClaims} is to answer for this token. */
export function setClaims(token: object, claims: Readonly<Record<string, unknown>>): void {
  if (Object.keys(claims).length > 0) claimsOf.set(token, claims);
}

/** Whether a token that was saved has the claims, that is, whether the provider asked. */
export function carriesClaims(
  token: { readonly extra?: Record<string, unknown> | undefined },
  claims: Readonly<Record<string, unknown>>,
): boolean {
  const { extra = {} } = token;
  return Object.keys(claims).every((name) => Object.hasOwn(extra, name));
}
