import { cleanText, type FetchLike, withoutSecrets } from '@credence/protocol';
import { CredenceError, errorCode, isCredenceError } from '../errors/credence-error.ts';
import { type Challenge, parseChallenges } from '../net/challenge.ts';
import { type About, peerTimeMs, report } from '../net/gate.ts';
import type { ServerAccess } from './server-access.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { AccessToken } from '../tokens/access-token.ts';
import { keyRequired, tokenRefused } from '../tokens/failures.ts';
import { present } from './present.ts';
import { initOf } from './request-init.ts';
import { notApproved, scopesToAdd } from './step-up.ts';
import { WaitingCalls } from './waiting-calls.ts';

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
}

/** The values that all calls of one `fetchFor` share. */
interface FetchContext {
  readonly runtime: Runtime;
  readonly access: ServerAccess;
  readonly options: FetchForOptions;
  readonly waiting: WaitingCalls;
}

/** What was already done for one call. Each call has its own state, so that concurrent calls do not change each other's. */
interface CallState {
  tokenReplaced: boolean;
  steppedUp: boolean;
  /** Whether the current token was sent again because of a DPoP nonce. */
  nonceUsed: boolean;
}

/**
 * Returns a fetch for one server. The fetch adds the access token. After a 401 it sends the request once more with a new
 * token, and after a 403 `insufficient_scope` once more with additional scopes, if the configuration allows them. The fetch
 * follows no redirect and sends requests only to the configured origin, and to no URL with a user name or password. A
 * refusal is thrown as a CredenceError with the leg `call`.
 */
export function fetchFor(runtime: Runtime, server: ServerAccess, options: FetchForOptions = {}): FetchLike {
  const access = options.stepUp === false ? server.withoutStepUp() : server;
  const waiting = new WaitingCalls();
  const context: FetchContext = { runtime, access, options, waiting };
  const { name, url } = access.settings;
  return async (input, inputInit = {}) => {
    const target = new URL(input instanceof Request ? input.url : input);
    if (target.origin !== url.origin) throw crossOrigin(name, url, target);
    if (target.username !== '' || target.password !== '') throw withUserInfo(name);
    const init = input instanceof Request ? await initOf(input, inputInit) : inputInit;
    if (waiting.cancel(init, name)) return new Response(null, { status: 202 });

    const state: CallState = { tokenReplaced: false, steppedUp: false, nonceUsed: false };
    let token = access.peekForCall() ?? (await waiting.during(init, (signal) => access.tokenForCall(signal)));
    for (;;) {
      const response = await call(runtime, access, target, init, token);
      const next = await tokenForNextAttempt(context, init, token, response, state);
      if (next === undefined) return response;
      token = next;
    }
  };
}

/** The token for another attempt, or undefined if the response is returned to the caller. Throws for a refusal. */
async function tokenForNextAttempt(
  context: FetchContext,
  init: RequestInit,
  token: AccessToken,
  response: Response,
  state: CallState,
): Promise<AccessToken | undefined> {
  const { access } = context;
  if (response.status === 401) return afterUnauthorized(context, init, token, response, state);
  // A 2xx response, or a 4xx response other than 401, shows that the server accepted the token: a server validates the
  // token before it responds with 400, or with 404 for an unknown session id. A redirect or a 5xx response does not show
  // this.
  if (response.ok || (response.status >= 400 && response.status < 500)) access.accept(token);
  return response.status === 403 ? afterForbidden(context, init, token, response, state) : undefined;
}

async function afterUnauthorized(
  { access, waiting }: FetchContext,
  init: RequestInit,
  token: AccessToken,
  response: Response,
  state: CallState,
): Promise<AccessToken> {
  await discard(response);
  const challenges = await dpopChallenges(response.headers);
  if (token.type === 'DPoP' && !state.nonceUsed && challenges.some(({ error }) => error === 'use_dpop_nonce')) {
    state.nonceUsed = true;
    return token;
  }
  if (token.type === 'Bearer' && offersOnlyDpop(challenges)) throw keyRequired(token);
  access.reject(token, peerTimeMs(response.headers));
  if (state.tokenReplaced || !canSendAgain(init)) throw tokenRefused(token);
  state.tokenReplaced = true;
  state.nonceUsed = false;
  return waiting.during(init, (signal) => access.tokenForCall(signal));
}

async function afterForbidden(
  { runtime, access, options, waiting }: FetchContext,
  init: RequestInit,
  token: AccessToken,
  response: Response,
  state: CallState,
): Promise<AccessToken> {
  const challenges = parseChallenges(response.headers);
  const scopeChallenge = challenges.find(({ error }) => error === 'insufficient_scope');
  await discard(response);
  if (!scopeChallenge) throw forbidden(access.settings.name, token, challenges);
  const challenged = withoutSecrets(scopeChallenge.scopes ?? [], [token.value]);
  const added = scopesToAdd(challenged, token, access.settings);
  if (state.steppedUp || !canSendAgain(init)) throw stillInsufficient(access.settings.name, token, added);
  state.steppedUp = true;
  state.nonceUsed = false;
  const stronger = await waiting.during(init, async (signal) => {
    const request = { server: access.settings.name, scopes: added };
    const approved = options.stepUp !== false && (await options.approveStepUp?.(request)) !== false;
    if (!approved) throw notApproved(request.server, token, added);
    // The approval can take long, and the caller may have aborted the call during this time.
    signal.throwIfAborted();
    return access.stepUp(token, added, signal);
  });
  runtime.emit({ type: 'step-up', server: access.settings.name, scopes: stronger.scopes });
  return stronger;
}

async function call(
  runtime: Runtime,
  access: ServerAccess,
  target: URL,
  init: RequestInit,
  token: AccessToken,
): Promise<Response> {
  const { name } = access.settings;
  const about: About = { leg: 'call', operation: 'request', contact: 'server-owner', server: name };
  const startedMs = runtime.clock.monotonicMs();
  const outcome = () => ({ url: target.href, durationMs: runtime.clock.monotonicMs() - startedMs });
  try {
    const response = await present(runtime, access.settings, target, init, token);
    report(runtime, about, { ...outcome(), status: response.status, headers: response.headers });
    return response;
  } catch (error) {
    if (init.signal?.aborted) throw error;
    const failure = isCredenceError(error) ? error : unreachable(name, target, error);
    report(runtime, about, { ...outcome(), failure });
    throw failure;
  }
}

/** The challenges of a 401 if one of them is DPoP. Others are not parsed, because many concurrent calls can get a 401 at once. */
async function dpopChallenges(headers: Headers): Promise<readonly Challenge[]> {
  return /\bdpop\b/iu.test(headers.get('www-authenticate') ?? '') ? parseChallenges(headers) : [];
}

/** Whether DPoP is the only scheme in the challenges (RFC 9449 section 7.1): the server accepts no bearer token. */
function offersOnlyDpop(challenges: readonly Challenge[]): boolean {
  return challenges.length > 0 && challenges.every(({ scheme }) => scheme === 'dpop');
}

/** Whether the request can be sent again. A stream can be sent only once. */
function canSendAgain({ body }: RequestInit): boolean {
  return !(body instanceof ReadableStream);
}

/** Cancels the body of a response, because a connection is not reused until its body is read or cancelled. */
async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => undefined);
}

function withUserInfo(server: string): CredenceError {
  return new CredenceError({
    code: 'forbidden_url',
    leg: 'call',
    message: `The URL of a request for server "${server}" contains a user name or a password.`,
    remedy: 'Leave them out of the URL: the request is sent with an access token.',
    contact: 'you',
    server,
  });
}

function crossOrigin(server: string, url: URL, target: URL): CredenceError {
  return new CredenceError({
    code: 'cross_origin_refused',
    leg: 'call',
    message: `A request for server "${server}" has the origin ${cleanText(target.origin, { max: 120 })}, but its token is sent only to ${url.origin}.`,
    remedy: `If the server has moved, set servers.${server}.url to its new URL.`,
    contact: 'server-owner',
    server,
  });
}

function forbidden(server: string, token: AccessToken, challenges: readonly Challenge[]): CredenceError {
  const [challenge] = challenges;
  return new CredenceError({
    code: 'forbidden',
    leg: 'call',
    message: `Server "${server}" answered 403 and did not name a missing scope.`,
    remedy: `Ask the owner of server "${server}" whether this principal may make this call.`,
    contact: 'server-owner',
    server,
    issuer: token.issuer,
    status: 403,
    error: challenge?.error === undefined ? undefined : cleanText(challenge.error, { max: 64, secrets: [token.value] }),
    errorDescription:
      challenge?.errorDescription === undefined
        ? undefined
        : cleanText(challenge.errorDescription, { secrets: [token.value] }),
  });
}

function stillInsufficient(server: string, token: AccessToken, missing: readonly string[]): CredenceError {
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

function unreachable(server: string, target: URL, cause: unknown): CredenceError {
  const code = errorCode(cause);
  return new CredenceError({
    code: 'unreachable',
    leg: 'call',
    message: `Server "${server}" could not be reached at ${target.origin}${code === undefined ? '' : ` (${code})`}.`,
    remedy: `Check servers.${server}.url and that the server is up; the call may or may not have run.`,
    contact: 'server-owner',
    server,
    retryable: true,
    cause,
  });
}
