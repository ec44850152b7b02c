/** What a verifier throws, made by the caller's SDK: its middleware asks for its own classes. */
export interface AccessTokenErrors {
  /** The request is to be answered 401 `invalid_token` (RFC 6750 section 3.1). */
  readonly invalidToken: (message: string) => Error;
}

/** An access token was refused, where no SDK's own class is at hand. */
export class InvalidAccessTokenError extends Error {
  /** Always `InvalidAccessTokenError`. */
  override readonly name = 'InvalidAccessTokenError';
  /** The OAuth error (RFC 6750 section 3.1). */
  readonly code = 'invalid_token';
}

/**
 * A token cannot be verified at the moment, or as this server is configured. `accessTokenGate` answers 503 and the SDKs'
 * middleware 500, so that the client keeps its token.
 */
export class TokenVerificationUnavailableError extends Error {
  /** Always `TokenVerificationUnavailableError`. */
  override readonly name = 'TokenVerificationUnavailableError';
  /**
   * What was asked and what came of it: `introspection: answered 401 invalid_client`, `key set: ECONNREFUSED`. Never a
   * token.
   */
  readonly reason: string;
  /** What to change, where waiting does not help. */
  readonly remedy: string | undefined;

  constructor(reason: string, remedy?: string) {
    super(`the access token cannot be verified: ${reason}`);
    this.reason = reason;
    this.remedy = remedy;
  }
}

const SDK_V1_ERRORS = '@modelcontextprotocol/sdk/server/auth/errors.js';
let sdkErrors: Promise<AccessTokenErrors> | undefined;

/** The error classes of MCP SDK v1 where it is installed, else our own. */
export function defaultErrors(): Promise<AccessTokenErrors> {
  sdkErrors ??= loadSdkErrors();
  return sdkErrors;
}

async function loadSdkErrors(): Promise<AccessTokenErrors> {
  try {
    const loaded = (await import(SDK_V1_ERRORS)) as { InvalidTokenError?: new (message: string) => Error };
    const { InvalidTokenError } = loaded;
    if (InvalidTokenError !== undefined) return { invalidToken: (message) => new InvalidTokenError(message) };
  } catch {
    // Not installed: nothing of ours needs it.
  }
  return { invalidToken: (message) => new InvalidAccessTokenError(message) };
}
