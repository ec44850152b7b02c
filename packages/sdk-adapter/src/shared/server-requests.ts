import { CredenceError } from '@credence/core';
import { isMembers } from '../schema/json-value.ts';
import type { SdkFetch } from './redirects.ts';
import { isRequestId, type RequestId, type SendingFetch } from './sent-messages.ts';

/** Requests of a server that a connection accepts in a minute. */
const PER_MINUTE = 1_000;
const MINUTE_MS = 60_000;
/** Requests of a server that have no response yet. */
const OPEN = 100;
/** Responses to the server that are sent at the same time. Each one is an HTTP request. */
const CONCURRENT = 20;
/** How long a response to the server waits and is sent, in milliseconds. */
const RESPONSE_MS = 30_000;

/**
 * The JSON-RPC requests of a server to one client, such as `ping` and `sampling/createMessage`. Without limits a server could cause any
 * number of HTTP requests with the access token, and leave all of them open.
 */
export class ServerRequests {
  readonly #server: string;
  readonly #open = new Set<RequestId>();
  readonly #waiting: (() => void)[] = [];
  /** What is sent with a signal of the SDK, which gets one listener: Node.js prints a warning for many. */
  readonly #stops = new WeakMap<AbortSignal, Set<AbortController>>();
  #sending = 0;
  #received = 0;
  #minuteEndsMs = 0;

  constructor(server: string) {
    this.#server = server;
  }

  /** Counts a request of the server, or one that the server cancels. Returns the error if there are too many. */
  received(message: object): CredenceError | undefined {
    if ('method' in message && message.method === 'notifications/cancelled') this.#cancelled(message);
    if (!('id' in message) || !isRequestId(message.id)) return undefined;
    this.#open.add(message.id);
    if (this.#open.size > OPEN) return tooMany(this.#server, `more than ${OPEN} requests to this client at once`);
    const nowMs = performance.now();
    if (nowMs >= this.#minuteEndsMs) {
      this.#minuteEndsMs = nowMs + MINUTE_MS;
      this.#received = 0;
    }
    this.#received += 1;
    if (this.#received <= PER_MINUTE) return undefined;
    return tooMany(this.#server, `more than ${PER_MINUTE} requests to this client in a minute`);
  }

  /** A fetch that sends few responses to the server at the same time. The others wait. */
  responding(fetch: SdkFetch): SendingFetch {
    return async (input, init, { responses }) => {
      if (responses.length === 0) return fetch(input, init);
      const stop = new AbortController();
      const timer = setTimeout(() => stop.abort(notTaken(this.#server)), RESPONSE_MS);
      const stops = this.#stopsOf(init?.signal ?? undefined);
      stops?.add(stop);
      try {
        await this.#turn(stop.signal);
        try {
          const response = await fetch(input, { ...init, signal: stop.signal });
          if (!response.ok) return response;
          // The SDKs do not use the body, and one of them reads it to its end.
          await response.body?.cancel();
          const { status, statusText, headers } = response;
          return new Response(null, { status, statusText, headers });
        } finally {
          this.#sending -= 1;
          this.#waiting.shift()?.();
        }
      } finally {
        clearTimeout(timer);
        stops?.delete(stop);
        for (const id of responses) this.#open.delete(id);
      }
    };
  }

  #cancelled(message: object): void {
    const params = 'params' in message && isMembers(message.params) ? message.params : {};
    if (isRequestId(params['requestId'])) this.#open.delete(params['requestId']);
  }

  #stopsOf(signal: AbortSignal | undefined): Set<AbortController> | undefined {
    signal?.throwIfAborted();
    const known = signal && this.#stops.get(signal);
    if (known || !signal) return known;
    const stops = new Set<AbortController>();
    this.#stops.set(signal, stops);
    signal.addEventListener('abort', () => {
      for (const stop of stops) stop.abort(signal.reason);
    });
    return stops;
  }

  /** Resolves when a response may be sent, and counts it. Rejects when the signal aborts. */
  async #turn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#sending >= CONCURRENT) {
      await new Promise<void>((resolve, reject) => {
        const next = () => {
          signal.removeEventListener('abort', stop);
          // Counted here: another one could begin before the promise is read.
          this.#sending += 1;
          resolve();
        };
        const stop = () => {
          this.#waiting.splice(this.#waiting.indexOf(next), 1);
          reject(signal.reason as Error);
        };
        this.#waiting.push(next);
        signal.addEventListener('abort', stop, { once: true });
      });
    } else this.#sending += 1;
  }
}

function tooMany(server: string, what: string): CredenceError {
  return new CredenceError({
    code: 'invalid_response',
    leg: 'call',
    message: `Server "${server}" sent ${what}, so the connection was closed. The call may have run.`,
    remedy: `Ask the owner of server "${server}" why it sends so many requests.`,
    contact: 'server-owner',
    server,
  });
}

function notTaken(server: string): CredenceError {
  return new CredenceError({
    code: 'timeout',
    leg: 'call',
    message: `Server "${server}" did not take the response to its own request within ${RESPONSE_MS / 1_000} seconds.`,
    remedy: `Ask the owner of server "${server}" why it does not take responses.`,
    contact: 'server-owner',
    server,
  });
}
