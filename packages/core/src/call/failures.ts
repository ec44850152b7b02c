import { isError } from '@credence/protocol';
import type { ErrorCode } from '../errors/codes.ts';
import { CredenceError, isCredenceError } from '../errors/credence-error.ts';
import { brokenFetch } from '../net/broken-fetch.ts';
import { connectionFailure } from '../net/connection-failure.ts';
import { retryAfterSeconds } from '../net/gate.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { CallLimits } from '../settings/settings.ts';
import type { AccessToken } from '../tokens/access-token.ts';
import type { Excess } from './excess.ts';
import { EXAMINED_BYTES, MAX_DEPTH, MAX_MESSAGES } from './json-meter.ts';
import { challengeRemedy, type ServerRefusal } from '../tokens/failures.ts';
import type { Call, FetchContext } from './call.ts';

export function withUserInfo(server: string): CredenceError {
  return new CredenceError({
    code: 'forbidden_url',
    leg: 'call',
    message: `The URL of a request for server "${server}" contains a user name or a password.`,
    remedy: 'Leave them out of the URL: the request is sent with an access token.',
    contact: 'you',
    server,
  });
}

export function crossOrigin(server: string, url: URL, target: URL): CredenceError {
  return new CredenceError({
    code: 'cross_origin_refused',
    leg: 'call',
    message: `A request for server "${server}" has another origin than ${url.origin}, and its token is sent only there.`,
    remedy: `If the server has moved, set servers.${server}.url to its new URL.`,
    contact: 'server-owner',
    server,
    // Usually a server named this origin, in a redirect or in an event.
    peerText: target.origin === 'null' ? target.protocol : target.origin,
  });
}

/** The error for a 403 that is not about the token and names no missing scope. */
export function forbidden(server: string, token: AccessToken, said: ServerRefusal): CredenceError {
  return new CredenceError({
    code: 'forbidden',
    leg: 'call',
    message: `Server "${server}" answered 403 and did not name a missing scope.`,
    remedy: `Ask the owner of server "${server}" whether this principal may make this call.${challengeRemedy(said)}`,
    contact: 'server-owner',
    server,
    issuer: token.issuer,
    status: 403,
    error: said.error,
    errorDescription: said.errorDescription,
    peerText: said.peerText,
  });
}

export function stillInsufficient(
  server: string,
  token: AccessToken,
  missing: readonly string[],
  { errorDescription, peerText }: ServerRefusal,
): CredenceError {
  return new CredenceError({
    code: 'insufficient_scope',
    leg: 'call',
    message: `Server "${server}" requires more scopes after a step-up; each call steps up only once.`,
    remedy: `Ask the owner of server "${server}" which scopes the call needs, and configure them in servers.${server}.scopes.`,
    contact: 'server-owner',
    server,
    issuer: token.issuer,
    status: 403,
    error: 'insufficient_scope',
    errorDescription,
    peerText,
    missingScopes: missing,
  });
}

/** The error for a request that the server refuses as unauthorized, although it accepts the same token for other requests. */
export function notAboutToken(server: string, token: AccessToken, method: string, said: ServerRefusal): CredenceError {
  const { status = 401, error, errorDescription, peerText } = said;
  return new CredenceError({
    code: 'token_refused',
    leg: 'call',
    message: `Server "${server}" answers ${status} to a ${method} request, and accepts the same token for other requests.`,
    remedy: `Check that the request has the session id of the server. If it has, ask the owner of server "${server}" why it refuses this request.${challengeRemedy(said)}`,
    contact: 'server-owner',
    server,
    issuer: token.issuer,
    status,
    error,
    errorDescription,
    peerText,
  });
}

/** The failure of a call that ended with `error`. Undefined if the caller aborted it for another reason than a time limit. */
export function failureOfCall(
  { runtime, access }: Pick<FetchContext, 'runtime' | 'access'>,
  call: Pick<Call, 'init' | 'target' | 'isSent'>,
  error: unknown,
): CredenceError | undefined {
  const { signal } = call.init;
  const { name } = access.settings;
  if (signal?.aborted) {
    const reason: unknown = signal.reason;
    return isError(reason) && reason.name === 'TimeoutError' ? timedOut(name, call) : undefined;
  }
  return isCredenceError(error) ? error : unreachable(runtime, name, call.target, error);
}

export function unreachable(runtime: Runtime, server: string, target: URL, cause: unknown): CredenceError {
  const broken = brokenFetch(cause, runtime, { server });
  if (broken) return broken;
  const { code, reason, remedy, contact, retryable, neverConnected, status } = connectionFailure(cause, {
    url: target.href,
    option: `servers.${server}.url`,
    contact: 'server-owner',
    fetch: runtime.fetch,
  });
  return new CredenceError({
    code: 'unreachable',
    leg: 'call',
    message: `Server "${server}" could not be reached at ${target.origin}${code === undefined ? '' : ` (${code})`}${reason === undefined ? '' : `: ${reason}`}.`,
    remedy: `${remedy} ${neverConnected ? 'The call did not run.' : 'The call may or may not have run.'}`,
    contact,
    server,
    status,
    retryable,
    cause,
  });
}

/** The failure that a response with another error status than 401 and 403 means. The response itself goes to the caller. */
export function errorStatus(
  server: string,
  token: AccessToken,
  response: Response,
  said: ServerRefusal,
): CredenceError {
  const { status, headers } = response;
  const code: ErrorCode = status === 429 ? 'rate_limited' : status >= 500 ? 'peer_unavailable' : 'invalid_response';
  return new CredenceError({
    code,
    leg: 'call',
    message: `Server "${server}" answered with HTTP status ${status}.`,
    remedy:
      code === 'invalid_response'
        ? `Check that servers.${server}.url is an MCP endpoint; if it is, ask the owner of server "${server}" what the request must contain.`
        : `Try again later; if the error persists, ask the owner of server "${server}".`,
    contact: 'server-owner',
    server,
    issuer: token.issuer,
    status,
    error: said.error,
    errorDescription: said.errorDescription,
    peerText: said.peerText,
    retryable: code !== 'invalid_response',
    retryAfterSeconds: retryAfterSeconds(headers),
  });
}

/** The failure that a redirect means that no client follows. The response itself goes to the caller. */
export function redirected(server: string, token: AccessToken, status: number): CredenceError {
  return new CredenceError({
    code: 'redirect_refused',
    leg: 'call',
    message: `Server "${server}" redirected a call in a way that cannot be followed (${status}).`,
    remedy: `Set servers.${server}.url to the URL of the MCP endpoint itself. A login page redirects like this too: ask the owner of server "${server}" whether the endpoint accepts access tokens.`,
    contact: 'server-owner',
    server,
    issuer: token.issuer,
    status,
  });
}

/** The failure that a success means without a message of MCP, such as a page for people. The response itself goes to the caller. */
export function notMcp(server: string, token: AccessToken, status: number, said: ServerRefusal): CredenceError {
  return new CredenceError({
    code: 'invalid_response',
    leg: 'call',
    message: `Server "${server}" answered ${status} to a request without JSON and without an event stream.`,
    remedy: `Check that servers.${server}.url is an MCP endpoint, and that no captive portal or proxy answers instead of the server.`,
    contact: 'server-owner',
    server,
    issuer: token.issuer,
    status,
    peerText: said.peerText,
  });
}

/** The failure that the end of an event stream means before the response to the request. */
export function streamWithoutResponse(server: string, status: number): CredenceError {
  return new CredenceError({
    code: 'invalid_response',
    leg: 'call',
    message: `Server "${server}" ended the event stream before the response to the request.`,
    remedy: `The call may or may not have run. Ask the owner of server "${server}" why the stream ends.`,
    contact: 'server-owner',
    server,
    status,
  });
}

/** The failure of a call whose caller has waited for as long as its time limit allows. */
export function timedOut(server: string, { isSent }: { readonly isSent?: boolean }): CredenceError {
  return new CredenceError({
    code: 'timeout',
    leg: 'call',
    message: isSent
      ? `Server "${server}" did not answer within the time limit of the caller.`
      : `A call to server "${server}" waited for its token for longer than the time limit of the caller; it was never sent.`,
    remedy: isSent
      ? `The call may or may not have run. Check that server "${server}" is up, or raise the time limit of the call.`
      : 'Check the events of the acquisition, or raise the time limit of the call.',
    contact: isSent ? 'server-owner' : 'you',
    server,
  });
}

interface TooLarge {
  readonly option: Exclude<keyof CallLimits, 'requestBytes'>;
  readonly limits: CallLimits;
  readonly status: number;
  readonly excess?: Excess;
}

/** The error for a body or an event above a limit: that of the server for its bytes, or a fixed one for its structure. */
export function responseTooLarge(
  server: string,
  { option, limits, status, excess = 'bytes' }: TooLarge,
): CredenceError {
  const what = option === 'bodyBytes' ? 'a body' : 'an event';
  const above = {
    bytes: `of more than ${limits[option]} bytes`,
    messages: `of more than ${MAX_MESSAGES} JSON-RPC messages`,
    depth: `of JSON with more than ${MAX_DEPTH} levels`,
  }[excess];
  const remedy =
    excess === 'bytes'
      ? `If results of this size are expected, raise servers.${server}.limits.${option}; if not, ask the owner of server "${server}".`
      : `Ask the owner of server "${server}" to send less at once. No option changes this limit, which is for ${what} of more than ${EXAMINED_BYTES} bytes.`;
  return new CredenceError({
    code: 'response_too_large',
    leg: 'call',
    message: `Server "${server}" sent ${what} ${above}. The call may have run.`,
    remedy,
    contact: 'server-owner',
    server,
    status,
  });
}

/** The error for a `Request` with a body above the limit. */
export function requestTooLarge(server: string, limits: CallLimits): CredenceError {
  return new CredenceError({
    code: 'request_too_large',
    leg: 'call',
    message: `The body of a Request for server "${server}" has more than ${limits.requestBytes} bytes; it was not sent.`,
    remedy: `Pass the body as a string, or raise servers.${server}.limits.requestBytes.`,
    contact: 'you',
    server,
  });
}
