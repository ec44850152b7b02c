import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';

/** A request that the caller of this asynchronous context is about to send. */
export interface AwaitedRequest {
  /** The URL of the request. Other requests of the same context, such as those for a token, have another one. */
  readonly url: URL;
  /** Whether everything is known that the request needs. What is sent before that is another request. */
  isReady(): boolean;
  /** Called when the request is sent. */
  sent(): void;
  /** Called when it has an answer, or has failed. The client has not seen the answer yet. */
  answered(isRefused: boolean): void;
}

/** The request of undici, in the messages of its diagnostics channels. */
interface UndiciRequest {
  readonly origin?: unknown;
  readonly path?: unknown;
}

const upcoming = new AsyncLocalStorage<AwaitedRequest>();
const sent = new WeakMap<object, AwaitedRequest>();
/** Requests that were sent. The same context can send others, and only the first is meant. */
const seen = new WeakSet<AwaitedRequest>();
let isSubscribed = false;

/**
 * Tells `request` when it is sent and answered, if the next request of this asynchronous context to its URL is sent by the global fetch. An
 * auth provider sees only the 401 of a request otherwise. A fetch that is not based on undici tells nothing.
 */
export function awaitAnswer(request: AwaitedRequest): void {
  if (!isSubscribed) subscribeOnce();
  upcoming.enterWith(request);
}

function subscribeOnce(): void {
  isSubscribed = true;
  subscribe('undici:request:create', (message) => {
    const awaited = upcoming.getStore();
    if (!awaited?.isReady() || seen.has(awaited)) return;
    const { request } = message as { request: UndiciRequest };
    const { origin, pathname, search } = awaited.url;
    if (String(request.origin) !== origin || request.path !== `${pathname}${search}`) return;
    seen.add(awaited);
    sent.set(request, awaited);
    awaited.sent();
  });
  subscribe('undici:request:headers', (message) => {
    const { request, response } = message as { request: UndiciRequest; response: { statusCode: number } };
    settle(request, response.statusCode === 401);
  });
  subscribe('undici:request:error', (message) => settle((message as { request: UndiciRequest }).request, false));
}

function settle(request: UndiciRequest, isRefused: boolean): void {
  sent.get(request)?.answered(isRefused);
  sent.delete(request);
}
