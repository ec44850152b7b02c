import { replacingResponse } from '@credence/core';
import type { FetchLike } from '@credence/protocol';
import { isEventStream, isGet, UNASKED_BYTES, UNASKED_WINDOW_MS } from './stream-limits.ts';

/**
 * The one event stream of an HTTP+SSE connection, in which all responses arrive (MCP 2024-11-05, HTTP with SSE). Its session ends with it:
 * the event source of the SDKs opens another stream, which belongs to another session that is not initialized. So the connection ends
 * when the stream ends, and also when the server floods it while no response is awaited.
 */
export class SharedStream {
  /** Called once when the stream has ended or was flooded. */
  onEnd: (() => void) | undefined;
  #awaited = 0;
  #isEnded = false;

  /** A fetch that watches the stream that it opens. */
  watching(fetch: FetchLike): FetchLike {
    return async (input, init) => {
      const response = await fetch(input, init);
      return isGet(init) && isEventStream(response) ? this.#watched(response) : response;
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

  #watched(response: Response): Response {
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
          this.#end();
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
    this.onEnd?.();
  }
}
