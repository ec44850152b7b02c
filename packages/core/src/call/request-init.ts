import { waitFor } from '@credence/protocol';

/**
 * The init that says the same as `fetch(request, init)`: what `init` has takes precedence. The request's body is read here,
 * because a stream can be sent once only, and a call may have to be sent again with another token. The request's `redirect`
 * is left out: no redirect is followed.
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

/** JSON as text, so that a message that cancels another call is recognised; anything else byte by byte. */
async function bodyOf(request: Request): Promise<string | ArrayBuffer | null> {
  if (request.body === null) return null;
  return /\bjson\b/iu.test(request.headers.get('content-type') ?? '') ? request.text() : request.arrayBuffer();
}
