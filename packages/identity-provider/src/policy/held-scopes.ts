/** The scopes that somebody holds at a server. */
export interface HeldScopes {
  /** Granted also where a request names no scope. */
  readonly default: readonly string[];
  /** Granted only where a request names them. */
  readonly onRequest: readonly string[];
}
