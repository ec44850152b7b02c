import { cleanText, type FetchLike, withoutSecrets } from '@credence/protocol';
import { CredenceError, errorCode, isCredenceError } from '../errors/credence-error.ts';
import { type Challenge, parseChallenges } from '../net/challenge.ts';
import { type About, report } from '../net/gate.ts';
import type { ServerAccess } from './server-access.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { AccessToken } from '../tokens/access-token.ts';
import { keyRequired, tokenRefused } from '../tokens/failures.ts';
import { present } from './present.ts';
import { initOf } from './request-init.ts';
import { notApproved, scopesToAdd } from './step-up.ts';
import { WaitingCalls } from './waiting-calls.ts';

/** Settings of one `fetchFor`. */
export interface FetchForOptions {
  /**
   * Asked before scopes are added to answer a 403 challenge; false refuses the call with `insufficient_scope`. What it throws
   * is thrown to the caller. Asked when scopes are added, not for the calls that then go out with them.
   */
  approveStepUp?: ((request: { server: string; scopes: readonly string[] }) => boolean | Promise<boolean>) | undefined;
  /**
   * False: the token is always the one that `token(name)` gives, whatever other calls have added to theirs, and a 403 challenge
   * is answered with `insufficient_scope`. Default true.
   */
  stepUp?: boolean | undefined;
}

/** What every call of one `fetchFor` has in common. */
interface Caller {
  readonly runtime: Runtime;
  readonly access: ServerAccess;
  readonly options: FetchForOptions;
  readonly waiting: WaitingCalls;
}

/** What has been tried for one call; it belongs to that call alone, so that concurrent calls cannot mislead each other. */
interface Tried {
  freshToken: boolean;
  moreScopes: boolean;
  /** With the present token. */
  nonce: boolean;
}

/**
 * A fetch for one server: attaches the token, replaces it once when it is refused, steps up once inside the ceiling, follows
 * no redirect and goes nowhere but to the configured origin, and to no URL with a user name or password. Refusals are thrown as CredenceErrors of leg `call`.
 */
export function fetchFor(runtime: Runtime, server: ServerAccess, options: FetchForOptions = {}): FetchLike {
  const access = options.stepUp === false ? server.withoutStepUp() : server;
  const waiting = new WaitingCalls();
  const caller: Caller = { runtime, access, options, waiting };
  const { name, url } = access.settings;
  return async (input, given = {}) => {
    const target = new URL(input instanceof Request ? input.url : input);
    if (target.origin !== url.origin) throw crossOrigin(name, url, target);
    if (target.username !== '' || target.password !== '') throw withUserInfo(name);
    const init = input instanceof Request ? await initOf(input, given) : given;
    if (waiting.cancel(init, name)) return new Response(null, { status: 202 });

    const tried: Tried = { freshToken: false, moreScopes: false, nonce: false };
    let token = access.peekForCall() ?? (await waiting.during(init, (signal) => access.tokenForCall(signal)));
    for (;;) {
      const response = await call(runtime, access, target, init, token);
      const next = await tokenForNextTry(caller, init, token, response, tried);
      if (next === undefined) return response;
      token = next;
    }
  };
}

/** Undefined where the response is the caller's. Throws where it is a refusal. */
async function tokenForNextTry(
  caller: Caller,
  init: RequestInit,
  token: AccessToken,
  response: Response,
  tried: Tried,
): Promise<AccessToken | undefined> {
  const { access } = caller;
  if (response.status === 401) return afterUnauthorized(caller, init, token, response, tried);
  // also by a 404 for a lost session or a 400: the token was looked at first, which a redirect or a 5xx does not tell
  if (response.ok || (response.status >= 400 && response.status < 500)) access.accept(token);
  return response.status === 403 ? afterForbidden(caller, init, token, response, tried) : undefined;
}

async function afterUnauthorized(
  { access, waiting }: Caller,
  init: RequestInit,
  token: AccessToken,
  response: Response,
  tried: Tried,
): Promise<AccessToken> {
  await discard(response);
  const challenges = await dpopChallenges(response.headers);
  if (token.type === 'DPoP' && !tried.nonce && challenges.some(({ error }) => error === 'use_dpop_nonce')) {
    tried.nonce = true;
    return token;
  }
  if (token.type === 'Bearer' && wantsKey(challenges)) throw keyRequired(token);
  access.reject(token);
  if (tried.freshToken || !repeatable(init)) throw tokenRefused(token);
  tried.freshToken = true;
  tried.nonce = false;
  return waiting.during(init, (signal) => access.tokenForCall(signal));
}

async function afterForbidden(
  { runtime, access, options, waiting }: Caller,
  init: RequestInit,
  token: AccessToken,
  response: Response,
  tried: Tried,
): Promise<AccessToken> {
  const challenges = await parseChallenges(response.headers);
  const wanted = challenges.find(({ error }) => error === 'insufficient_scope');
  await discard(response);
  if (!wanted) throw forbidden(access.settings.name, token, challenges);
  const challenged = withoutSecrets(wanted.scopes ?? [], [token.value]);
  const added = scopesToAdd(challenged, token, access.settings);
  if (tried.moreScopes || !repeatable(init)) throw stillInsufficient(access.settings.name, token, added);
  tried.moreScopes = true;
  tried.nonce = false;
  const stronger = await waiting.during(init, async (signal) => {
    const request = { server: access.settings.name, scopes: added };
    const approved = options.stepUp !== false && (await options.approveStepUp?.(request)) !== false;
    if (!approved) throw notApproved(request.server, token, added);
    // an approval may take its time, and the caller may have given up meanwhile
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

/** All challenges where DPoP is among them. A hundred calls may meet a revoked token at once, and parsing is not cheap. */
async function dpopChallenges(headers: Headers): Promise<readonly Challenge[]> {
  return /\bdpop\b/iu.test(headers.get('www-authenticate') ?? '') ? parseChallenges(headers) : [];
}

/** RFC 9449 section 7.1: DPoP is the only scheme that is offered. */
function wantsKey(challenges: readonly Challenge[]): boolean {
  return challenges.length > 0 && challenges.every(({ scheme }) => scheme === 'dpop');
}

function repeatable({ body }: RequestInit): boolean {
  return !(body instanceof ReadableStream);
}

/** An unread body keeps its connection busy. */
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
    message: `A request for server "${server}" was to go to ${cleanText(target.origin, { max: 120 })}; only ${url.origin} gets its token.`,
    remedy: `If the server has moved, set servers.${server}.url to where it is now.`,
    contact: 'server-owner',
    server,
  });
}

function forbidden(server: string, token: AccessToken, challenges: readonly Challenge[]): CredenceError {
  const [challenge] = challenges;
  return new CredenceError({
    code: 'forbidden',
    leg: 'call',
    message: `Server "${server}" answered 403 and named no scope that would help.`,
    remedy: 'Ask its owner whether this principal may make this call.',
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
    message: `Server "${server}" wants more scopes after a step-up; it is asked once for each call.`,
    remedy: `Ask its owner which scopes the call needs, and configure them in servers.${server}.scopes.`,
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
