/** The scopes that a principal, user or group holds at a server. */
export interface HeldScopes {
  /** Granted to requests that name no scope, and to requests that name them. */
  readonly default: readonly string[];
  /** Granted only to requests that name them. */
  readonly onRequest: readonly string[];
}
