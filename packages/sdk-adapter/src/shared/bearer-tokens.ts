import { AsyncLocalStorage } from 'node:async_hooks';
import { type AccessToken, type CredenceError, isCredenceError, type ServicePrincipal } from '@credence/core';
import { defaultFetch, isInMemory } from '@credence/protocol';
import { awaitAnswer } from './answered-requests.ts';
import { acceptsAnyToken, initialize } from './probe.ts';
import { needsFetchOfPrincipal, needsKey, needsMemory, refusedAgain, replacedForNextCall } from './provider-errors.ts';
import { type SdkFetch, withinOrigin } from './redirects.ts';

/** One request of a transport for which the auth provider returned a token. */
interface ProviderRequest {
  readonly atMs: number;
  token: AccessToken | undefined;
  /** The number of 401 responses in a row for this request, including its retries. */
  refusals: number;
  /** Whether the next attempt in this context is a retry of this request. */
  retried: boolean;
  /** Whether the request was sent without a token, to see what the client does after a 401, and the client has not passed. */
  isTest: boolean;
}

/** What is known about the requests that may be refused with the same token. */
export interface Outstanding {
  readonly unanswered: number;
  readonly unknown: number;
  readonly lastAnswerMs: number;
}

const MAX_REFUSALS = 2;
const RECENT_MS = 10_000;
const UNEXPLAINED_PAUSE_MS = 60_000;
/** So many unexplained refusals in {@link RECENT_MS} are about the token: a client opens one event stream, and sends many calls. */
const MANY_UNEXPLAINED = 3;

/**
 * Bearer tokens for a transport that accepts only an auth provider. The SDK calls the provider for a token before each request, and
 * calls it after a 401, but without the request or the token that was refused.
 *
 * The asynchronous context identifies the request: `present` stores the request in the context in which it is called, and the SDK
 * reports the 401 in the same context. To find out whether the token is refused, `initialize` is sent by the principal's fetch: some
 * servers answer 401 to any other request without a session. The principal's fetch replaces only the token that was refused, with one request for all callers. The fetch throws `token_refused` if
 * new tokens are also refused. The SDK gets its answer only when there is a valid token: both SDKs end a call at its second 401
 * without another call of the provider, and v1 then also fails later calls.
 */
export class BearerTokens {
  readonly server: string;
  readonly #bot: ServicePrincipal;
  readonly #url: URL;
  readonly #fetch: SdkFetch;
  /** Whether the token is one of a fake: a client would send it by a fetch of its own, to the network. */
  readonly #isInMemory: boolean;
  readonly #requests = new AsyncLocalStorage<ProviderRequest>();
  /** The requests of the last ten seconds that are not known to be sent or refused, oldest first. */
  readonly #recent = new Set<ProviderRequest>();
  /** The requests that are sent and not answered. */
  readonly #sent = new Set<ProviderRequest>();
  /** When a request of `#sent` was last answered, or refused. */
  #lastAnswerMs = -Infinity;
  #checking: Promise<void> | undefined;
  /** The token that the server accepted for `initialize` after another token was refused. */
  #accepted: string | undefined;
  #unexplainedMs = -Infinity;
  /** When a request was refused whose token the server accepts for `initialize`, in the last ten seconds. */
  #unexplained: number[] = [];

  constructor(bot: ServicePrincipal, server: string | URL) {
    const { name, url } = bot.server(server);
    this.server = name;
    this.#bot = bot;
    this.#url = url;
    const fetch = bot.fetchFor(name, { stepUp: false });
    this.#isInMemory = isInMemory(fetch);
    this.#fetch = withinOrigin(fetch, { name, url });
  }

  /** Returns the token for a request. Throws its refusals, and `invalid_configuration` for a DPoP-bound token. */
  async present(): Promise<AccessToken> {
    const request = this.#enter(false);
    request.token = await this.#token();
    this.#recent.add(request);
    this.#forgetOld(request.atMs);
    return request.token;
  }

  /**
   * Called instead of `present` for a request that is sent without a token of the principal. Throws the refusals of `present`, so
   * that the caller gets them first.
   */
  async presentNone(): Promise<void> {
    this.#enter(true);
    await this.#token();
  }

  /** Called after a 401 for the request of this context. Resolves when there is a token that the server accepts. */
  async replaceRefused(): Promise<void> {
    const request = this.#requests.getStore();
    if (request) {
      this.#done(request);
      request.refusals += 1;
      if (request.isTest) return;
      if (request.refusals > MAX_REFUSALS) throw refusedAgain(this.server);
    }
    const current = await this.#token();
    const suspected = request?.token === undefined || request.token.value === current.value;
    const earlier = this.#checking;
    if (earlier) await earlier;
    else if (suspected || current.value !== this.#accepted) await this.#checked(current, suspected);
    // A check that was in progress when this request was refused may have had its answer before the token was revoked.
    if (earlier && suspected && (await this.#token()).value === current.value) await this.#checked(current, suspected);
    if (request) request.retried = true;
  }

  /** The issuer of the tokens. */
  async issuer(): Promise<string> {
    return (await this.#token()).issuer;
  }

  /** The URL of the server. */
  get url(): URL {
    return this.#url;
  }

  /** Called when it is clear that the client sends a request again after its 401. */
  sendsAgain(): void {
    const request = this.#requests.getStore();
    if (request) request.isTest = false;
  }

  /** The error for a client that does not send a request again after a 401. */
  cannotSendAgain(): CredenceError {
    const isConnecting = this.#requests.getStore()?.isTest !== false;
    return isConnecting ? needsFetchOfPrincipal(this.server) : replacedForNextCall(this.server);
  }

  /**
   * The recent requests with the same token as the refused request of this context that were not refused so far: those that are known to
   * wait for an answer, and those that can have one already. With the time of the last answer.
   */
  outstanding(): Outstanding {
    const refused = this.#requests.getStore()?.token?.value;
    const count = (requests: Iterable<ProviderRequest>) =>
      [...requests].filter(({ token }) => token?.value === refused).length;
    return { unanswered: count(this.#sent), unknown: count(this.#recent), lastAnswerMs: this.#lastAnswerMs };
  }

  #enter(isTest: boolean): ProviderRequest {
    const before = this.#requests.getStore();
    const request: ProviderRequest = {
      atMs: performance.now(),
      token: undefined,
      refusals: before?.retried ? before.refusals : 0,
      retried: false,
      // The SDK before 1.24 asks for a token once more before it fails.
      isTest: isTest || (before !== undefined && before.isTest && before.refusals > 0),
    };
    if (before) before.retried = false;
    // The request must be stored before the first await, because only the code up to there runs in the context of the
    // caller. `run` cannot be used, because the request continues after this function has returned.
    this.#requests.enterWith(request);
    awaitAnswer({
      url: this.#url,
      isReady: () => request.token !== undefined,
      sent: () => {
        if (this.#recent.delete(request)) this.#sent.add(request);
      },
      answered: (isRefused) => {
        // The client reports a refusal later, or never if it was closed.
        if (this.#done(request) && isRefused) this.#recent.add(request);
      },
    });
    return request;
  }

  /** Whether the request was known to be unanswered. */
  #done(request: ProviderRequest): boolean {
    this.#recent.delete(request);
    const isAnswer = this.#sent.delete(request);
    if (isAnswer) this.#lastAnswerMs = performance.now();
    return isAnswer;
  }

  #forgetOld(nowMs: number): void {
    for (const request of this.#recent) {
      if (nowMs - request.atMs < RECENT_MS) return;
      this.#recent.delete(request);
    }
  }

  async #token(): Promise<AccessToken> {
    if (this.#isInMemory) throw needsMemory(this.server);
    const token = await this.#bot.token(this.server);
    if (token.type !== 'Bearer') throw needsKey(token);
    return token;
  }

  /** Joins the check that is in progress, or starts one. */
  async #checked(current: AccessToken, suspected: boolean): Promise<void> {
    this.#checking ??= this.#check(current, suspected).finally(() => (this.#checking = undefined));
    await this.#checking;
  }

  async #check(current: AccessToken, suspected: boolean): Promise<void> {
    await this.#initialize();
    const after = await this.#token();
    if (after.value !== current.value || !suspected) {
      this.#accepted = after.value;
      return;
    }
    // The server accepts the token for `initialize`. The refused request can be the GET of an event stream that the server does not
    // offer, or the response was a 403, for which v1 calls the provider in the same way: then no new token helps. Or the server
    // checks tokens only for tool calls: then it accepts `initialize` with any token, or it refuses many requests.
    const nowMs = performance.now();
    this.#unexplained = [...this.#unexplained.filter((thenMs) => nowMs - thenMs < RECENT_MS), nowMs];
    if (this.#unexplained.length < MANY_UNEXPLAINED && !(await acceptsAnyToken(defaultFetch, this.#url))) return;
    if (nowMs - this.#unexplainedMs < UNEXPLAINED_PAUSE_MS) return;
    this.#unexplainedMs = nowMs;
    this.#bot.invalidate(current);
    await this.#token();
  }

  async #initialize(): Promise<void> {
    try {
      await initialize(this.#fetch, this.#url);
    } catch (error) {
      // A 403 shows that the server accepts the token and refuses only this request.
      if (isCredenceError(error) && error.status === 403) return;
      throw error;
    }
  }
}
