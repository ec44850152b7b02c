import { type FetchLike, isDefaultFetch, responseLike, waitFor } from '@credence/protocol';
import type { CredenceError } from '../errors/credence-error.ts';
import { readChallenges } from '../net/challenge.ts';
import { type About, report } from '../net/gate.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { AccessToken } from '../tokens/access-token.ts';
import { tokenRefused } from '../tokens/failures.ts';
import { tokenForNextAttempt } from './after-refusal.ts';
import type { Call, FetchContext } from './call.ts';
import { reportFailedCall } from './failed-call.ts';
import type { FetchForOptions } from './fetch-for-options.ts';
import {
  crossOrigin,
  errorStatus,
  failureOfCall,
  forbidden,
  notMcp,
  redirected,
  timedOut,
  withUserInfo,
} from './failures.ts';
import { present } from './present.ts';
import { initOf } from './request-init.ts';
import { startForEvents, withLimits } from './response-body.ts';
import type { ServerAccess } from './server-access.ts';
import { serverRefusal } from './server-refusal.ts';
import { UnansweredCalls } from './unanswered.ts';
import { type Unusable, whyUnusable } from './usable-response.ts';
import { WaitingCalls } from './waiting-calls.ts';
import type { WhenClosed } from './when-closed.ts';

/**
 * Returns a fetch for one server. The fetch adds the access token. After a 401 it sends the request once more with a new
 * token, and after a 403 `insufficient_scope` once more with additional scopes, if the configuration allows them. The fetch
 * follows no redirect and sends requests only to the configured origin, and to no URL with a user name or password. A
 * refusal is thrown as a CredenceError with the leg `call`. The body of a response has the limits of the server.
 */
export function fetchFor(
  runtime: Runtime,
  server: ServerAccess,
  options: FetchForOptions = {},
  whenClosed?: WhenClosed,
): FetchLike {
  const access = options.stepUp === false ? server.withoutStepUp() : server;
  const waiting = new WaitingCalls();
  const unanswered = new UnansweredCalls<Call>();
  const context: FetchContext = { runtime, access, options, waiting, unanswered, whenClosed };
  const { name, limits } = access.settings;
  return async (input, init = {}) => {
    const startedMs = runtime.clock.monotonicMs();
    let call: Call | undefined;
    try {
      const target = checkedTarget(access, input);
      const sent = input instanceof Request ? await initOf(input, init, { server: name, limits }) : init;
      const givenUp = unanswered.timedOut(sent);
      if (givenUp) reportFailedCall(context, timedOut(name, givenUp), givenUp);
      if (waiting.cancel(sent, name)) return new Response(null, { status: 202 });
      call = { target, init: sent, startedMs };
      access.lostSessions.sent(sent);
      if (sent.method === 'POST') unanswered.add(call);
      let token = access.peekForCall() ?? (await waiting.during(sent, (signal) => access.tokenForCall(signal)));
      for (;;) {
        const response = await attempt(context, call, token);
        const next = await tokenForNextAttempt(context, call, token, response);
        if (next === undefined) return response;
        if (next instanceof Response) return next;
        token = next;
      }
    } catch (error) {
      const failed = call ?? { target: access.settings.url, init: requestOf(input, init), startedMs };
      const failure = failureOfCall(context, failed, error);
      if (failure) reportFailedCall(context, failure, failed);
      else unanswered.delete(failed);
      throw error;
    }
  };
}

function checkedTarget({ settings: { name, url } }: ServerAccess, input: string | URL | Request): URL {
  const target = new URL(input instanceof Request ? input.url : input);
  if (target.origin !== url.origin) throw crossOrigin(name, url, target);
  if (target.username !== '' || target.password !== '') throw withUserInfo(name);
  return target;
}

/** What a report of the request needs, without its body. */
function requestOf(input: string | URL | Request, init: RequestInit): RequestInit {
  if (!(input instanceof Request)) return init;
  const { method, headers, signal } = input;
  return { method: init.method ?? method, headers: init.headers ?? headers, signal: init.signal ?? signal };
}

/** Sends the request once. Throws for a response that is too large, and if there is none. */
async function attempt(context: FetchContext, call: Call, token: AccessToken): Promise<Response> {
  const { runtime, access } = context;
  const { target, init } = call;
  const { name } = access.settings;
  const about: About = { leg: 'call', operation: 'request', contact: 'server-owner', server: name };
  const startedMs = runtime.clock.monotonicMs();
  const outcome = () => ({ url: target.href, durationMs: runtime.clock.monotonicMs() - startedMs });
  try {
    call.isSent = true;
    call.sentAtMs = runtime.clock.wallMs();
    context.options.onToken?.({
      server: name,
      scopes: token.scopes,
      ageMs: Math.max(0, runtime.clock.wallMs() - token.issuedAt.getTime()),
    });
    const sending = present(runtime, access.settings, target, init, token);
    // A fetch of the application may ignore the signal.
    const sent = await (init.signal && !isDefaultFetch(runtime.fetch) ? waitFor(sending, init.signal) : sending);
    responseLike(sent);
    const unusable = whyUnusable(sent, target, init);
    const response = withLimits(context, call, sent, unusable);
    call.failure = unusable && (await failureOf(context, token, response, unusable));
    if (runtime.observed) {
      const { status, headers } = response;
      report(runtime, about, { ...outcome(), status, headers, failure: call.failure });
    }
    return response;
  } catch (error) {
    const failure = failureOfCall(context, call, error);
    if (!failure) throw error;
    report(runtime, about, { ...outcome(), status: failure.status, failure });
    throw init.signal?.aborted ? error : failure;
  }
}

/** The CredenceError for a response that the caller cannot use. The body of a 401 is not read here: `tokenForNextAttempt` reads it. */
async function failureOf(
  { runtime, access }: FetchContext,
  token: AccessToken,
  response: Response,
  unusable: Unusable,
): Promise<CredenceError> {
  const { status } = response;
  const { name } = access.settings;
  if (unusable === 'redirect') return redirected(name, token, status);
  const body = status === 401 || !runtime.observed ? '' : await startForEvents(response);
  const said = serverRefusal(response, readChallenges(response.headers), token, body);
  if (unusable === 'content') return notMcp(name, token, status, said);
  if (status === 401) return tokenRefused(token, said);
  return status === 403 ? forbidden(name, token, said) : errorStatus(name, token, response, said);
}
