/** What is known of a refused request besides what the handler noted. */
export interface RefusedRequest {
  readonly error: string;
  readonly reason: string;
  /** The client the request names, where it did not get as far as the handler: it may not have authenticated. */
  readonly claimedClientId?: string;
}
