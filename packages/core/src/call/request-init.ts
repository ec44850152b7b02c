import { waitFor } from '@credence/protocol';

/**
 * The init for a request that is equal to `fetch(request, init)`: a member of `init` takes precedence over the request. The body of
 * the request is read here, because a stream can be sent only once and the call may have to be sent again with another token. The
 * `redirect` of the request is left out, because no redirect is followed.
 */
export async function initOf(request: Request, init: RequestInit): Promise<RequestInit> {
  const signal = init.signal === undefined ? request.signal : init.signal;
  const body = init.body ?? (await bodyOf(request, signal ?? undefined));
  return {
    ...init,
    method: init.method ?? request.method,
    headers: init.headers ?? request.headers,
    signal,
    integrity: init.integrity ?? request.integrity,
    ...(body !== null && { body }),
  };
}

/** The bytes of the body as they are. If the signal is aborted before the end, the caller's stream is cancelled. */
async function bodyOf(request: Request, signal: AbortSignal | undefined): Promise<ArrayBuffer | null> {
  const { body, bodyUsed } = request;
  if (body === null) return null;
  // Reading the body rejects if it was read before; the stream of such a body would look empty.
  if (bodyUsed || signal === undefined) return request.arrayBuffer();
  return waitFor(new Response(body.pipeThrough(new TransformStream(), { signal })).arrayBuffer(), signal);
}
