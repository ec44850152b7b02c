import { cleanText } from '@credence/protocol';

/** Creates the errors that a verifier throws. The middleware of each MCP SDK needs an error of its own class. */
export interface AccessTokenErrors {
  /** Creates an error for which the SDK responds with 401 `invalid_token` (RFC 6750 section 3.1). */
  readonly invalidToken: (message: string) => Error;
}

/** An access token was refused. Used if neither MCP SDK v1 nor the option `errors` provides a class. */
export class InvalidAccessTokenError extends Error {
  /** Always `InvalidAccessTokenError`. */
  override readonly name = 'InvalidAccessTokenError';
  /** The OAuth error (RFC 6750 section 3.1). */
  readonly code = 'invalid_token';
}

/**
 * An access token cannot be verified, because the authorization server fails or because of this server's configuration.
 * `accessTokenGate` responds with 503 and the SDKs' middleware with 500, so that the client keeps its token.
 */
export class TokenVerificationUnavailableError extends Error {
  /** Always `TokenVerificationUnavailableError`. */
  override readonly name = 'TokenVerificationUnavailableError';
  /**
   * The request that failed, and its result: `introspection: answered 401 invalid_client`, `key set: ECONNREFUSED`. It
   * never contains a token.
   */
  readonly reason: string;
  /**
   * What to change in the configuration. Undefined for a temporary failure, such as a 429 or 5xx response: no change of this
   * server's configuration is needed.
   */
  readonly remedy: string | undefined;

  constructor(reason: string, remedy?: string, options?: ErrorOptions) {
    super(`the access token cannot be verified: ${reason}`, options);
    this.reason = reason;
    this.remedy = remedy;
  }
}

/**
 * The error itself if it is a TokenVerificationUnavailableError. Any other error of a verifier is unexpected: it becomes
 * the `cause` of a TokenVerificationUnavailableError, whose reason has only the name of the error, because the message can
 * contain a token.
 */
export function unavailability(error: unknown): TokenVerificationUnavailableError {
  if (error instanceof TokenVerificationUnavailableError) return error;
  const kind = error instanceof Error ? cleanText(error.name, { max: 60 }) : 'not an Error';
  return new TokenVerificationUnavailableError(`unexpected failure: ${kind}`, undefined, { cause: error });
}

const SDK_V1_ERRORS = '@modelcontextprotocol/sdk/server/auth/errors.js';
let sdkErrors: Promise<AccessTokenErrors> | undefined;

/** The error class of MCP SDK v1 if it is installed, else InvalidAccessTokenError. */
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
    // The SDK is not installed, and it is optional.
  }
  return { invalidToken: (message) => new InvalidAccessTokenError(message) };
}
