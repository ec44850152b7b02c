/** An access token as a flow brings it home, before anything is kept. */
export interface Grant {
  readonly accessToken: string;
  readonly type: 'Bearer' | 'DPoP';
  /** Seconds from when the request was sent; undefined where the server does not say. */
  readonly expiresInSeconds: number | undefined;
  readonly scopes: readonly string[];
  /** Whether the server said which scopes were granted, or they are assumed to be the ones asked for. */
  readonly scopesStated: boolean;
  readonly issuer: string;
  readonly resource: string;
  /** To be called when the server refuses this token, so that what it was made from is not used for ever. */
  readonly refused?: (() => void) | undefined;
}

export interface GrantRequest {
  /** The key the token will be kept under. */
  readonly key: string;
  /** What to ask for; undefined asks for the IdP's default grant. */
  readonly scopes: readonly string[] | undefined;
  readonly signal: AbortSignal;
}

/** One way to an access token. */
export interface Flow {
  /** Throws `CredenceError` of the leg that failed. */
  acquire(request: GrantRequest): Promise<Grant>;
}
