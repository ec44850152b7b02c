import { waitFor } from '@credence/protocol';

/**
 * The init for a request that is equal to `fetch(request, init)`: a member of `init` takes precedence over the request. The body of
 * the request is read here, because a stream can be sent only once and the call may have to be sent again with another token. The
 * `redirect` of the request is left out, because no redirect is followed.
 */
export async function initOf(request: Request, init: RequestInit): Promise<RequestInit> {
  const signal = init.signal === undefined ? request.signal : init.signal;
  const body = init.body ?? (await waitFor(bodyOf(request), signal ?? undefined));
  return {
    ...init,
    method: init.method ?? request.method,
    headers: init.headers ?? request.headers,
    signal,
    integrity: init.integrity ?? request.integrity,
    ...(body !== null && { body }),
  };
}

/** The body as a string if it is JSON, because `WaitingCalls.cancel` looks for cancellations in strings; else as bytes. */
async function bodyOf(request: Request): Promise<string | ArrayBuffer | null> {
  if (request.body === null) return null;
  return /\bjson\b/iu.test(request.headers.get('content-type') ?? '') ? request.text() : request.arrayBuffer();
}
