/** One request for a token of the platform. */
export interface WorkloadTokenRequest {
  /** The audience that the token should have (RFC 7519 section 4.1.3). A source with a fixed audience ignores it. */
  readonly audience: string;
  /** Aborted if the token is no longer needed or the time limit has passed. */
  readonly signal: AbortSignal;
}

/**
 * A platform that issues JWTs to the programs that run on it: a CI system, Kubernetes, a cloud. `@credence/platforms` has such
 * sources. Credence caches the tokens: a source keeps none, and is asked again when a token is due for renewal.
 */
export interface WorkloadTokenSource {
  /** The name of the platform, such as `kubernetes`, for messages. */
  readonly platform: string;
  /**
   * `any`: the platform issues a token for each audience that is requested. `fixed`: the token has the audience that was set when
   * the job or the file was set up. `registered`: the platform issues tokens only for audiences that an administrator has registered.
   */
  readonly audience: 'any' | 'fixed' | 'registered';
  /** Whether the platform issues a new token while the program runs. False: the program ends with its token. */
  readonly renewable: boolean;
  /** Whether `getToken` only reads a file or a variable. Such a source is asked at least every minute, so that a replaced token is used. */
  readonly local: boolean;
  /** What the claims that an administrator registers look like on this platform, for documentation and messages. */
  readonly claims: { readonly iss: string; readonly sub: string };
  /** What happens in a job that a pull request of a fork starts, if the platform has such jobs. */
  readonly forks?: string | undefined;
  /** Returns a JWT. Throws a CredenceError `credential_unavailable`. The error contains nothing of the token. */
  getToken(request: WorkloadTokenRequest): Promise<string>;
}

/** Whether the value is a WorkloadTokenSource. */
export function isWorkloadTokenSource(value: unknown): value is WorkloadTokenSource {
  return typeof value === 'object' && value !== null && 'getToken' in value && typeof value.getToken === 'function';
}
