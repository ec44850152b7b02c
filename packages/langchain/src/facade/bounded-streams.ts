import { replacingResponse } from '@credence/core';
import { type FetchLike, isJsonObject, parseJsonObject } from '@credence/protocol';
import { isEventStream, isGet, UNASKED_BYTES, UNASKED_WINDOW_MS } from './stream-limits.ts';
import { watchedBody } from './watched-body.ts';

/** A JSON-RPC request whose response has not ended. */
interface Pending {
  cancelled: boolean;
  /** Ends the event stream of the response. Undefined until it is open. */
  end: (() => void) | undefined;
}

/**
 * Ends the event streams of one connection that nobody reads for a result: the stream of a request that the SDK has cancelled (both
 * SDKs read on), and the stream of notifications that a client opens by GET or by `subscriptions/listen`, if the server floods it.
 * Without this a server could keep the process busy for as long as the connection is open.
 */
export function boundedStreams(fetch: FetchLike): FetchLike {
  const pending = new Map<string, Pending>();
  let isFlooded = false;
  return async (input, init) => {
    if (isGet(init) || isSubscription(init)) {
      // 405 says that the server offers no such stream (MCP, Transports), so that the SDK does not ask again.
      if (isFlooded) return new Response(null, { status: 405 });
      return limited(await fetch(input, init), () => (isFlooded = true));
    }
    const cancelled = pending.get(cancelledRequest(init) ?? '');
    if (cancelled) {
      cancelled.cancelled = true;
      cancelled.end?.();
    }
    const id = requestId(init);
    if (id === undefined) return fetch(input, init);
    const request: Pending = { cancelled: false, end: undefined };
    pending.set(id, request);
    const finished = () => void pending.delete(id);
    try {
      const response = await fetch(input, init);
      if (isEventStream(response)) return endable(response, request, finished);
      finished();
      return response;
    } catch (error) {
      finished();
      throw error;
    }
  };
}

/** A subscription of revision 2026-07-28. */
function isSubscription(init: RequestInit | undefined): boolean {
  return typeof init?.body === 'string' && init.body.slice(0, 200).includes('"method":"subscriptions/listen"');
}

/** The id of a request. Both SDKs write it at the end of the message, so that a long message need not be parsed. */
function requestId(init: RequestInit | undefined): string | undefined {
  return typeof init?.body === 'string' ? /"id":(\d+)\}$/u.exec(init.body.slice(-64))?.[1] : undefined;
}

/** The id of the request that this message cancels. */
function cancelledRequest(init: RequestInit | undefined): string | undefined {
  if (typeof init?.body !== 'string' || !init.body.includes('"notifications/cancelled"')) return undefined;
  const { method, params } = parseJsonObject(init.body) ?? {};
  const id = method === 'notifications/cancelled' && isJsonObject(params) ? params['requestId'] : undefined;
  return typeof id === 'number' || typeof id === 'string' ? String(id) : undefined;
}

/** The response with a stream that `request.end` ends. */
function endable(response: Response, request: Pending, finished: () => void): Response {
  const ending = new TransformStream<Uint8Array, Uint8Array>({
    start(controller) {
      request.end = () => {
        finished();
        controller.terminate();
      };
      if (request.cancelled) request.end();
    },
    flush: finished,
  });
  return withBody(response, (body) => body.pipeThrough(ending));
}

/** The response with a stream that ends when the server floods it. */
function limited(response: Response, onFlood: () => void): Response {
  if (!isEventStream(response)) return response;
  let windowEndsMs = performance.now() + UNASKED_WINDOW_MS;
  let bytes = 0;
  return withBody(response, (body) =>
    watchedBody(body, ({ byteLength }) => {
      if (performance.now() >= windowEndsMs) {
        windowEndsMs = performance.now() + UNASKED_WINDOW_MS;
        bytes = 0;
      }
      bytes += byteLength;
      if (bytes > UNASKED_BYTES) onFlood();
      return bytes <= UNASKED_BYTES;
    }),
  );
}

function withBody(
  response: Response,
  replaced: (body: ReadableStream<Uint8Array>) => ReadableStream<Uint8Array>,
): Response {
  const { body, status, statusText, headers } = response;
  return replacingResponse(response, new Response(body && replaced(body), { status, statusText, headers }));
}
