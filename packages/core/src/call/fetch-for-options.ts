import type { RunId } from '../telemetry/run-id.ts';

/** What `onToken` gets: the token of a request, without the token. */
export interface TokenUse {
  /** The configured name of the server. */
  readonly server: string;
  /** The granted scopes, with those that step-ups have added. */
  readonly scopes: readonly string[];
  /** How long ago the authorization server issued the token, in milliseconds. */
  readonly ageMs: number;
}

/** Options of `fetchFor`. */
export interface FetchForOptions {
  /**
   * Called before scopes are added because of a 403 challenge. False: the call is refused with `insufficient_scope`. An error that
   * it throws is thrown to the caller. The function is not called for later calls that use the scopes.
   */
  approveStepUp?: ((request: { server: string; scopes: readonly string[] }) => boolean | Promise<boolean>) | undefined;
  /**
   * False: a call always uses the token that `token(name)` returns, without the scopes that other calls have added, and a 403
   * challenge causes `insufficient_scope`. Default true.
   */
  stepUp?: boolean | undefined;
  /**
   * True: the caller opens a new session and repeats a call if a ping shows that a 500, 502 or 503 means a lost session. Such a call is
   * counted as failed only if the repeated one fails. Default false. After 400, 401, 404 and 410 in a session this is always so.
   */
  repeatsAfterServerError?: boolean | undefined;
  /**
   * The id of the run, or a function that returns it for each call. It is in the events of the call, and is sent to the server in the
   * header `Credence-Run`, which the server records as stated by the client. At most 128 visible ASCII characters; other characters of
   * the result of a function are removed. Default: that of `onBehalfOf`, or else none, and no header.
   */
  run?: RunId | undefined;
  /**
   * Called before each time that a request is sent, with what is known of its token. It runs in the asynchronous context of the call
   * of the fetch, and must not throw.
   */
  onToken?: ((use: TokenUse) => void) | undefined;
}
