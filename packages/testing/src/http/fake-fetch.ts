import { type Clock, CredenceError, type FetchLike } from '@credence/core';
import { cleanText, waitFor } from '@credence/protocol';
import type { Hook, Hooks } from '../hooks/next.ts';
import type { Replacement, StandingRefusals } from '../hooks/standing-answer.ts';
import type { FakeRequest, RequestLog } from '../requests/request-log.ts';
import { edited, oauthError, responseFor } from './responses.ts';
import type { Incoming, Route, RouteEntry } from './route.ts';

/** What `fake-fetch.ts` needs from the other parts of the fake. */
export interface FakeNetwork {
  readonly routes: readonly RouteEntry[];
  readonly log: RequestLog;
  readonly hooks: Hooks;
  readonly refusals: StandingRefusals;
  readonly clock: Clock;
}

/** A fetch that answers the URLs of the fake, and that refuses every other one. It never sends a request. */
export function fakeFetch({ routes, log, hooks, refusals, clock }: FakeNetwork): FetchLike {
  const byUrl = new Map(routes);
  const origins = new Set(routes.map(([url]) => new URL(url).origin));
  return async (input, init) => {
    const request = new Request(input, init);
    const signal = init?.signal ?? request.signal;
    signal.throwIfAborted();
    const incoming = await incomingOf(request);
    const route = byUrl.get(incoming.url) ?? (origins.has(new URL(incoming.url).origin) ? NOT_FOUND : undefined);
    if (route === undefined) throw unknownUrl(incoming, [...origins]);
    const facts = { ...route.facts(incoming), method: incoming.method, url: incoming.url };
    const answered = log.add(facts);
    const standing = refusals.for(facts);
    const ownAnswer = async () =>
      standing === undefined ? route.handle(incoming) : replaced(standing, route, async () => route.handle(incoming));
    const hook = hooks.take(facts);
    // A caller that gives up does not wait for a delayed answer.
    const response = await waitFor(answerOf(hook, route, { ...facts, status: undefined }, ownAnswer), signal);
    answered(response.status);
    if (!response.headers.has('date')) setDate(response, clock);
    return response;
  };
}

/** A URL of a known host that serves nothing, for example a well-known URL that is tried before another one. */
const NOT_FOUND: Route = {
  facts: ({ url }) => ({
    leg: url.includes('/.well-known/') ? 'discover' : 'other',
    server: undefined,
    principal: undefined,
    parameters: {},
  }),
  handle: async () => oauthError('not_found', { status: 404 }),
  refuse: (error, details) => oauthError(error, { ...details, status: details.status ?? 404 }),
};

async function incomingOf(request: Request): Promise<Incoming> {
  const { method, headers } = request;
  const { origin, pathname } = new URL(request.url);
  const body = request.body === null ? '' : await request.text();
  return {
    method,
    url: origin + pathname,
    headers,
    body,
    toRequest: () => new Request(request.url, { method, headers, ...(body !== '' && { body }) }),
  };
}

async function answerOf(
  hook: Hook | undefined,
  route: Route,
  request: FakeRequest,
  ownAnswer: () => Promise<Response>,
): Promise<Response> {
  if (hook === undefined) return ownAnswer();
  const { until, outcome } = hook;
  if (typeof until === 'number') await new Promise((resolve) => setTimeout(resolve, until));
  else await until?.catch(() => undefined);
  switch (outcome.kind) {
    case 'own-answer':
      return ownAnswer();
    case 'drop':
      throw outcome.error;
    case 'replace':
      return replaced(outcome.replacement, route, ownAnswer);
    case 'respond': {
      const answer = await outcome.responder(request, ownAnswer);
      return answer instanceof Response ? answer : responseFor(answer);
    }
  }
}

async function replaced(replacement: Replacement, route: Route, ownAnswer: () => Promise<Response>): Promise<Response> {
  if ('error' in replacement) return route.refuse(replacement.error, replacement);
  return 'members' in replacement ? edited(await ownAnswer(), replacement) : responseFor(replacement);
}

/** The time of the fake, as the Date header of a server has it. */
function setDate(response: Response, clock: Clock): void {
  try {
    response.headers.set('date', new Date(clock.wallMs()).toUTCString());
  } catch {
    // The headers of a Response of another function may be immutable.
  }
}

function unknownUrl({ method, url }: Incoming, origins: readonly string[]): CredenceError {
  return new CredenceError({
    code: 'invalid_configuration',
    leg: 'configure',
    message: `fakeIdp serves no ${method} ${cleanText(url, { max: 200 })}, and sends no request to the network.`,
    remedy: `Add the server with this URL to the options of fakeIdp, or correct the URL. It serves ${origins.join(', ')}.`,
    contact: 'you',
  });
}
