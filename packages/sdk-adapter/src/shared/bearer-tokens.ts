import { AsyncLocalStorage } from 'node:async_hooks';
import { type AccessToken, CredenceError, isCredenceError, type ServicePrincipal } from '@credence/core';
import { type SdkFetch, withinOrigin } from './redirects.ts';

/** One request of a transport, as far as its auth provider can know of it. */
interface PresentedRequest {
  readonly atMs: number;
  token: AccessToken | undefined;
  /** How often in a row this request was refused, retries included. */
  refusals: number;
  /** Its next attempt is a retry. */
  retried: boolean;
}

const MAX_REFUSALS = 2;
const RECENT_MS = 10_000;
const UNEXPLAINED_PAUSE_MS = 60_000;
const PING = JSON.stringify({ jsonrpc: '2.0', id: 'credence', method: 'ping' });

/**
 * Bearer tokens for a transport that takes an auth provider and nothing else. Such a provider is asked for a token before
 * each request and told that there was a 401 after it, but never which request or which token that was.
 *
 * Which it was follows from the asynchronous context: `present` leaves its mark in the context of the request that it is
 * called in, and the 401 is reported in that same context. Whether a token is really refused is asked of the server, by a
 * ping through the principal's own fetch: that replaces exactly the token that is refused, once for everyone, and ends in
 * one `token_refused` where fresh ones are refused too. Answering an SDK only when a good token is there matters:
 * both end a call at its second 401 without a word to the provider, and v1 remembers that against later calls.
 */
export class BearerTokens {
  readonly server: string;
  readonly #bot: ServicePrincipal;
  readonly #url: URL;
  readonly #fetch: SdkFetch;
  readonly #requests = new AsyncLocalStorage<PresentedRequest>();
  /** Requests of the last seconds that were not refused so far, oldest first. */
  readonly #recent = new Set<PresentedRequest>();
  #checking: Promise<void> | undefined;
  /** The token that the server has taken for a ping after another was refused. */
  #taken: string | undefined;
  #unexplainedMs = -Infinity;

  constructor(bot: ServicePrincipal, server: string | URL) {
    const { name, url } = bot.server(server);
    this.server = name;
    this.#bot = bot;
    this.#url = url;
    this.#fetch = withinOrigin(bot.fetchFor(name, { stepUp: false }), { name, url });
  }

  /** The token for a request. Throws the refusals, and `invalid_configuration` for a token that is not a bearer token. */
  async present(): Promise<AccessToken> {
    const before = this.#requests.getStore();
    const request: PresentedRequest = {
      atMs: performance.now(),
      token: undefined,
      refusals: before?.retried ? before.refusals : 0,
      retried: false,
    };
    if (before) before.retried = false;
    // Before the first await: only up to there does this run in the caller's context. `run` cannot be used, because the request
    // goes on after this function has returned.
    this.#requests.enterWith(request);
    request.token = await this.#token();
    this.#recent.add(request);
    this.#forgetOld(request.atMs);
    return request.token;
  }

  /** The request of this context was answered 401: resolves when there is a token that the server takes. */
  async replaceRefused(): Promise<void> {
    const request = this.#requests.getStore();
    if (request) {
      this.#recent.delete(request);
      request.refusals += 1;
      if (request.refusals > MAX_REFUSALS) throw refusedAgain(this.server);
    }
    const current = await this.#token();
    const suspected = request?.token === undefined || request.token.value === current.value;
    if (suspected || current.value !== this.#taken) {
      this.#checking ??= this.#check(current, suspected).finally(() => (this.#checking = undefined));
    }
    await this.#checking;
    if (request) request.retried = true;
  }

  /** How many recent requests presented the token that this context's request was refused with, and were not refused so far. */
  outstanding(): number {
    const refused = this.#requests.getStore()?.token?.value;
    return [...this.#recent].filter(({ token }) => token?.value === refused).length;
  }

  #forgetOld(nowMs: number): void {
    for (const request of this.#recent) {
      if (nowMs - request.atMs < RECENT_MS) return;
      this.#recent.delete(request);
    }
  }

  async #token(): Promise<AccessToken> {
    const token = await this.#bot.token(this.server);
    if (token.type !== 'Bearer') throw needsFetch(token);
    return token;
  }

  async #check(current: AccessToken, suspected: boolean): Promise<void> {
    await this.#ping();
    const after = await this.#token();
    if (after.value !== current.value || !suspected) {
      this.#taken = after.value;
      return;
    }
    // The server takes the token for a ping. It may look at tokens only where a tool is called: then another one helps. Or v1
    // has come with a 403, which it brings to a provider in the same words: then none does, so this is not tried each time.
    const nowMs = performance.now();
    if (nowMs - this.#unexplainedMs < UNEXPLAINED_PAUSE_MS) return;
    this.#unexplainedMs = nowMs;
    this.#bot.invalidate(current);
    await this.#token();
  }

  /** Outside any session, so that most servers answer it with an error: but only after they have looked at the token. */
  async #ping(): Promise<void> {
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
    try {
      const response = await this.#fetch(this.#url, { method: 'POST', headers, body: PING });
      await response.body?.cancel();
    } catch (error) {
      // the token was good enough to be told what it may not do
      if (isCredenceError(error) && error.status === 403) return;
      throw error;
    }
  }
}

function needsFetch({ server, issuer }: AccessToken): CredenceError {
  return new CredenceError({
    code: 'invalid_configuration',
    leg: 'configure',
    message: `The tokens of server "${server}" are bound to a key (DPoP), and an auth provider can present bearer tokens only.`,
    remedy: 'Use connectMcp or mcpTransport, whose fetch signs each request.',
    contact: 'you',
    server,
    issuer,
  });
}

function refusedAgain(server: string): CredenceError {
  return new CredenceError({
    code: 'token_refused',
    leg: 'call',
    message: `Server "${server}" answers 401 to one token after another for the same request.`,
    remedy: 'Ask its owner which tokens this request wants: others of its requests take them.',
    contact: 'server-owner',
    server,
    status: 401,
  });
}
