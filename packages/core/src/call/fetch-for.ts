import { type FetchLike, responseLike } from '@credence/protocol';
import { type CredenceError, isCredenceError } from '../errors/credence-error.ts';
import { readChallenges } from '../net/challenge.ts';
import { type About, report } from '../net/gate.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { AccessToken } from '../tokens/access-token.ts';
import { tokenRefused } from '../tokens/failures.ts';
import { tokenForNextAttempt } from './after-refusal.ts';
import type { Call, FetchContext, WhenClosed } from './call.ts';
import { isUsable, reportFailedCall } from './failed-call.ts';
import type { FetchForOptions } from './fetch-for-options.ts';
import { crossOrigin, errorStatus, forbidden, unreachable, withUserInfo } from './failures.ts';
import { present } from './present.ts';
import { initOf } from './request-init.ts';
import { startForEvents, withLimits } from './response-body.ts';
import type { ServerAccess } from './server-access.ts';
import { serverRefusal } from './server-refusal.ts';
import { WaitingCalls } from './waiting-calls.ts';

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
  const context: FetchContext = { runtime, access, options, waiting, whenClosed };
  const { name, limits } = access.settings;
  return async (input, init = {}) => {
    const startedMs = runtime.observed ? runtime.clock.monotonicMs() : 0;
    try {
      const target = checkedTarget(access, input);
      const sent = input instanceof Request ? await initOf(input, init, { server: name, limits }) : init;
      if (waiting.cancel(sent, name)) return new Response(null, { status: 202 });
      const call: Call = { target, init: sent, startedMs };
      let token = access.peekForCall() ?? (await waiting.during(sent, (signal) => access.tokenForCall(signal)));
      for (;;) {
        const response = await attempt(context, call, token);
        const next = await tokenForNextAttempt(context, call, token, response);
        if (next === undefined) return response;
        token = next;
      }
    } catch (error) {
      const request = requestOf(input, init);
      if (isCredenceError(error) && !request.signal?.aborted) reportFailedCall(context, error, request, startedMs);
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
    const sent = await present(runtime, access.settings, target, init, token);
    responseLike(sent);
    const response = withLimits(context, call, sent);
    if (runtime.observed) {
      const { status, headers } = response;
      call.failure = isUsable(status, init) ? undefined : await failureOf(name, token, response);
      report(runtime, about, { ...outcome(), status, headers, failure: call.failure });
    }
    return response;
  } catch (error) {
    if (init.signal?.aborted) throw error;
    const failure = isCredenceError(error) ? error : unreachable(runtime, name, target, error);
    report(runtime, about, { ...outcome(), status: failure.status, failure });
    throw failure;
  }
}

/** What an error status means, for events. The body of a 401 and 403 is left to `tokenForNextAttempt`. */
async function failureOf(server: string, token: AccessToken, response: Response): Promise<CredenceError> {
  const { status } = response;
  const isRefusal = status === 401 || status === 403;
  const body = isRefusal ? '' : await startForEvents(response);
  const said = serverRefusal(response, readChallenges(response.headers), token, body);
  if (status === 401) return tokenRefused(token, said);
  return status === 403 ? forbidden(server, token, said) : errorStatus(server, token, response, said);
}
