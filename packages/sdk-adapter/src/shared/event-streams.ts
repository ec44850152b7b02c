import { CredenceError, onBodyRefused, replacingResponse } from '@credence/core';
import { EventLines, isEventStream } from './event-lines.ts';
import type { OpenCalls } from './open-calls.ts';
import type { RequestId, SendingFetch } from './sent-messages.ts';

/** How often a client opens one stream again: in a minute (more wait), and for one call (more end it). */
const PER_MINUTE = 60;
const PER_CALL = 1_000;
const MINUTE_MS = 60_000;
/** Ids of events that are remembered, so that a request for the rest of a stream is known to belong to a call. */
const MAX_IDS = 10_000;

/** A stream that a client reads, also if it has to open it several times. */
interface Source {
  /** The requests whose responses arrive in it. Undefined for the stream that belongs to no request. */
  readonly ids: readonly RequestId[] | undefined;
  /** The last two ids of events. The last one is not valid before the end of its event. */
  readonly eventIds: string[];
  /** When the stream was opened again, in milliseconds, within the last minute. */
  readonly openedMs: number[];
  opened: number;
  /** Whether an event exceeded the limit. The server would send it again. */
  isRefused: boolean;
}

/**
 * The event streams of one transport. The SDKs open a stream that has ended again, for ever and as fast as the server wishes: also for
 * a call that has timed out, and after an event above the limit.
 */
export class EventStreams {
  readonly #server: string;
  readonly #calls: OpenCalls;
  readonly #standalone = newSource(undefined);
  readonly #byEventId = new Map<string, Source>();

  constructor(server: string, calls: OpenCalls) {
    this.#server = server;
    this.#calls = calls;
  }

  /** A fetch that limits how often the streams are opened. */
  limiting(fetch: SendingFetch): SendingFetch {
    return async (input, init, sent) => {
      if ((init?.method ?? 'GET').toUpperCase() !== 'GET') {
        const response = await fetch(input, init, sent);
        return isReadable(response) ? this.#read(response, newSource(sent.ids)) : response;
      }
      const lastId = new Headers(init?.headers).get('last-event-id');
      const source = (lastId === null ? undefined : this.#byEventId.get(lastId)) ?? this.#standalone;
      if (source.opened > 0 || source.ids) await turn(source, init?.signal ?? undefined);
      if (source.ids && source.opened >= PER_CALL) this.#calls.end(endsTooOften(this.#server), source.ids);
      // 405 says that the server offers no such stream (MCP, Transports). The SDKs do not ask again.
      if (source.isRefused || (source.ids && !source.ids.some((id) => this.#calls.has(id))))
        return new Response(null, { status: 405 });
      source.opened += 1;
      const response = await fetch(input, init, sent);
      return isReadable(response) ? this.#read(response, source) : response;
    };
  }

  #read(response: Response, source: Source): Response {
    onBodyRefused(response, (refusal) => {
      source.isRefused = true;
      if (source.ids) this.#calls.end(refusal, source.ids);
    });
    const lines = new EventLines((id) => this.#remember(id, source));
    const { status, statusText, headers, body, url } = response;
    const reader = body?.getReader();
    const read = new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          const result = await reader?.read();
          if (!result || result.done) return controller.close();
          const bytes = lines.next(result.value);
          // An empty chunk would not end the pull.
          controller.enqueue(bytes);
        },
        cancel: async (reason) => reader?.cancel(reason),
      },
      { highWaterMark: 0 },
    );
    const replacement = new Response(read, { status, statusText, headers });
    return replacingResponse(response, Object.defineProperty(replacement, 'url', { value: url }));
  }

  #remember(id: string, source: Source): void {
    const { eventIds } = source;
    if (eventIds.at(-1) === id) return;
    eventIds.push(id);
    const old = eventIds.length > 2 ? eventIds.shift() : undefined;
    if (old !== undefined && this.#byEventId.get(old) === source) this.#byEventId.delete(old);
    const [oldest] = this.#byEventId.keys();
    if (oldest !== undefined && this.#byEventId.size >= MAX_IDS) this.#byEventId.delete(oldest);
    this.#byEventId.set(id, source);
  }
}

function newSource(ids: readonly RequestId[] | undefined): Source {
  return { ids, eventIds: [], openedMs: [], opened: 0, isRefused: false };
}

function isReadable(response: Response): boolean {
  return response.ok && response.body !== null && isEventStream(response);
}

/** Resolves when the stream may be opened again. Rejects when the signal aborts. */
async function turn({ openedMs }: Source, signal: AbortSignal | undefined): Promise<void> {
  const [first] = openedMs;
  if (openedMs.length === PER_MINUTE && first !== undefined) {
    await pause(first + MINUTE_MS - performance.now(), signal);
    openedMs.shift();
  }
  openedMs.push(performance.now());
}

/** A pause that does not keep the process running. */
async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    timer.unref();
    signal?.addEventListener('abort', stop, { once: true });
  });
}

function endsTooOften(server: string): CredenceError {
  return new CredenceError({
    code: 'invalid_response',
    leg: 'call',
    message: `Server "${server}" ended the event stream of a call more than ${PER_CALL} times without a response. The call may have run.`,
    remedy: `Ask the owner of server "${server}" to keep the stream of a call open, or to respond sooner.`,
    contact: 'server-owner',
    server,
  });
}
