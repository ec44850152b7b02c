import { cleanText } from '@credence/protocol';
import type { ErrorCode } from '../errors/codes.ts';
import { CredenceError } from '../errors/credence-error.ts';
import { connectionFailure } from '../net/connection-failure.ts';
import { brokenFetch, retryAfterSeconds } from '../net/gate.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { CallLimits } from '../settings/settings.ts';
import type { AccessToken } from '../tokens/access-token.ts';
import type { Excess } from './excess.ts';
import { EXAMINED_BYTES, MAX_DEPTH, MAX_MESSAGES } from './json-meter.ts';
import { challengeRemedy, type ServerRefusal } from '../tokens/failures.ts';

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
    message: `A request for server "${server}" has the origin ${cleanText(target.origin, { max: 120 })}, but its token is sent only to ${url.origin}.`,
    remedy: `If the server has moved, set servers.${server}.url to its new URL.`,
    contact: 'server-owner',
    server,
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

export function stillInsufficient(server: string, token: AccessToken, missing: readonly string[]): CredenceError {
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

export function unreachable(runtime: Runtime, server: string, target: URL, cause: unknown): CredenceError {
  const broken = brokenFetch(cause, runtime, { server });
  if (broken) return broken;
  const { code, reason, remedy, contact, retryable, neverConnected } = connectionFailure(cause, {
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
