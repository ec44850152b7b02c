import { waitFor } from '@credence/protocol';
import type { CallLimits } from '../settings/settings.ts';
import { requestTooLarge } from './failures.ts';

/**
 * The init for a request that is equal to `fetch(request, init)`: a member of `init` takes precedence over the request. The body of
 * the request is read here, because a stream can be sent only once and the call may have to be sent again with another token. The
 * `redirect` of the request is left out, because no redirect is followed. Throws `request_too_large` for a body above the limit.
 */
export async function initOf(
  request: Request,
  init: RequestInit,
  to: { readonly server: string; readonly limits: CallLimits },
): Promise<RequestInit> {
  const signal = init.signal === undefined ? request.signal : init.signal;
  const body = init.body ?? (await bodyOf(request, signal ?? undefined, to));
  return {
    ...init,
    method: init.method ?? request.method,
    headers: init.headers ?? request.headers,
    signal,
    integrity: init.integrity ?? request.integrity,
    ...(body !== null && { body }),
  };
}

/** The bytes of the body as they are. If the signal is aborted before the end, or the body is too large, the stream is cancelled. */
async function bodyOf(
  request: Request,
  signal: AbortSignal | undefined,
  { server, limits }: { readonly server: string; readonly limits: CallLimits },
): Promise<ArrayBuffer | null> {
  const { body, bodyUsed } = request;
  if (body === null) return null;
  // Reading the body rejects if it was read before; the stream of such a body would look empty.
  if (bodyUsed) return request.arrayBuffer();
  let bytes = 0;
  const limited = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      bytes += chunk.byteLength;
      if (bytes > limits.requestBytes) throw requestTooLarge(server, limits);
      controller.enqueue(chunk);
    },
  });
  const read = new Response(body.pipeThrough(limited, signal && { signal })).arrayBuffer();
  return signal ? waitFor(read, signal) : read;
}
