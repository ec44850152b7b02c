import { replacingResponse } from '@credence/core';
import type { FetchLike } from '@credence/protocol';
import { isEventStream, isGet, UNASKED_BYTES, UNASKED_WINDOW_MS } from './stream-limits.ts';

/** How long to wait for messages that are being sent when the stream ends, and then for the SDK to read the responses, in milliseconds. */
const MAX_WAIT_MS = 2_000;
const SETTLE_MS = 10;

/**
 * The one event stream of an HTTP+SSE connection, in which all responses arrive (MCP 2024-11-05, HTTP with SSE). Its session ends with it:
 * the event source of the SDKs opens another stream, which belongs to another session that is not initialized. So the connection ends
 * when the stream ends, and also when the server floods it while no response is awaited.
 */
export class SharedStream {
  /** Called once when the stream has ended or was flooded: later requests need another connection. */
  onEnding: (() => void) | undefined;
  /** Called once after that, when what was being sent was taken or refused. */
  onEnd: (() => void) | undefined;
  #awaited = 0;
  #isEnded = false;
  /** The messages that the server has not taken or refused yet. */
  #sending = 0;

  /** A fetch that watches the stream that it opens. */
  watching(fetch: FetchLike): FetchLike {
    return async (input, init) => {
      if (!isGet(init)) return this.#send(async () => fetch(input, init));
      const response = await fetch(input, init);
      return isEventStream(response) ? this.#watched(response, init?.signal ?? undefined) : response;
    };
  }

  /** Counts a response as awaited until it is there. */
  async during<T>(response: Promise<T>): Promise<T> {
    this.#awaited += 1;
    try {
      return await response;
    } finally {
      this.#awaited -= 1;
    }
  }

  async #send(send: () => Promise<Response>): Promise<Response> {
    this.#sending += 1;
    try {
      return await send();
    } finally {
      this.#sending -= 1;
      if (this.#isEnded) this.#tellEnd();
    }
  }

  #watched(response: Response, signal: AbortSignal | undefined): Response {
    const { body, status, statusText, headers, url } = response;
    const reader = body?.getReader();
    let windowEndsMs = performance.now() + UNASKED_WINDOW_MS;
    let bytes = 0;
    const isFlooding = (length: number) => {
      if (this.#awaited > 0 || performance.now() >= windowEndsMs) {
        windowEndsMs = performance.now() + UNASKED_WINDOW_MS;
        bytes = 0;
      }
      bytes += length;
      return bytes > UNASKED_BYTES;
    };
    const watched = new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          try {
            const result = await reader?.read();
            if (result && !result.done && !isFlooding(result.value.byteLength)) return controller.enqueue(result.value);
            if (result && !result.done) reader?.cancel().catch(() => undefined);
            controller.close();
          } catch (error) {
            controller.error(error);
          }
          // The client closes the stream itself, for example because of an unusable endpoint.
          if (!signal?.aborted) this.#end();
        },
        cancel: async (reason) => reader?.cancel(reason),
      },
      { highWaterMark: 0 },
    );
    const replacement = new Response(watched, { status, statusText, headers });
    // The event source takes the origin of its events from this URL.
    return replacingResponse(response, Object.defineProperty(replacement, 'url', { value: url }));
  }

  #end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.onEnding?.();
    setTimeout(() => this.#tell(), MAX_WAIT_MS).unref();
    this.#tellEnd();
  }

  /**
   * Waits until the server has taken or refused the messages that are being sent: the refusal of a session that is gone says that a call
   * did not run. The SDK reads the refusal after this turn.
   */
  #tellEnd(): void {
    if (this.#sending === 0) setTimeout(() => void (this.#sending === 0 && this.#tell()), SETTLE_MS);
  }

  #tell(): void {
    const { onEnd } = this;
    this.onEnd = undefined;
    onEnd?.();
  }
}
