import { boundedText, NotBytesError } from '../text/bounded-text.ts';
import type { FetchUrl } from './fetch-like.ts';
import { NotAResponseError, responseLike, thrownAtOnce } from './response-like.ts';

/** A peer's response with its complete body. */
export interface BoundedAnswer {
  /** The HTTP status code. */
  readonly status: number;
  /** The header fields. */
  readonly headers: Headers;
  /** The body as text. */
  readonly text: string;
  /** True for a redirect, which was not followed. */
  readonly isRedirect: boolean;
}

/** No complete response arrived within the time limit. */
export class RequestTimeoutError extends Error {
  /** Always `TimeoutError`, like the error of `AbortSignal.timeout`. */
  override readonly name = 'TimeoutError';
}

/**
 * Sends one request and reads the response within limits on time and size. Follows no redirect. Rejects with
 * {@link RequestTimeoutError}, with `BodyTooLargeError`, with `NotAResponseError` if `fetch` returns something else, with the
 * reason of `init.signal` if that is aborted, and otherwise with the error of `fetch`. The time limit also holds for a `fetch` that ignores its signal.
 */
export async function boundedRequest(
  fetch: FetchUrl,
  url: string,
  init: RequestInit,
  limits: { readonly timeoutMs: number; readonly maxBytes: number },
): Promise<BoundedAnswer> {
  const { signal: caller } = init;
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(new RequestTimeoutError('no answer in time')), limits.timeoutMs);
  const stopWithCaller = () => stop.abort(caller?.reason);
  if (caller?.aborted) stopWithCaller();
  caller?.addEventListener('abort', stopWithCaller, { once: true });
  try {
    const answered = exchange(fetch, url, { ...init, redirect: 'manual', signal: stop.signal }, limits.maxBytes);
    return await Promise.race([answered, rejectionOf(stop.signal)]);
  } catch (error) {
    const reason: unknown = stop.signal.aborted ? stop.signal.reason : error;
    // Closes the connection of a response that was not read to its end.
    stop.abort();
    throw reason;
  } finally {
    clearTimeout(timer);
    caller?.removeEventListener('abort', stopWithCaller);
  }
}

async function exchange(fetch: FetchUrl, url: string, init: RequestInit, maxBytes: number): Promise<BoundedAnswer> {
  const { status, headers, type, body } = responseLike(await called(fetch, url, init));
  const isRedirect = type === 'opaqueredirect' || (status >= 300 && status < 400);
  try {
    return { status, headers, isRedirect, text: await boundedText(body, maxBytes) };
  } catch (error) {
    if (!(error instanceof NotBytesError)) throw error;
    throw new NotAResponseError('the `body` that it returned is not a stream of bytes', { cause: error });
  }
}

function called(fetch: FetchUrl, url: string, init: RequestInit): Promise<Response> {
  try {
    return fetch(url, init);
  } catch (error) {
    throw thrownAtOnce(error);
  }
}

function rejectionOf(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const rejectNow = () => reject(signal.reason as Error);
    if (signal.aborted) rejectNow();
    else signal.addEventListener('abort', rejectNow, { once: true });
  });
}
