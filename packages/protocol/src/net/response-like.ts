/** A `fetch` function of the caller returned something that is not a Response. The message says what, in a few words. */
export class NotAResponseError extends Error {
  /** Always `NotAResponseError`. */
  override readonly name = 'NotAResponseError';
}

/** The members of a response that Credence uses. The body is any stream of bytes: the `fetch` of node-fetch returns a stream of Node.js. */
export interface ResponseLike {
  /** The HTTP status. */
  readonly status: number;
  /** The headers. */
  readonly headers: Headers;
  /** `error` for a network error (Fetch standard). */
  readonly type?: unknown;
  /** The body, or null if there is none. */
  readonly body: ReadableStream<Uint8Array> | null;
}

/** The value that a `fetch` function returned. Throws {@link NotAResponseError} if it cannot be used as a Response. */
export function responseLike(value: unknown): ResponseLike {
  if (typeof value !== 'object' || value === null) throw new NotAResponseError(`it returned ${nameOf(value)}`);
  const { status, headers, body, type } = value as { [member in keyof ResponseLike]?: unknown };
  if (!Number.isInteger(status)) throw new NotAResponseError('the object that it returned has no status');
  if (typeof (headers as { get?: unknown } | null | undefined)?.get !== 'function')
    throw new NotAResponseError('the `headers` that it returned are not a Headers object');
  // A Map tells upper and lower case apart, and a Response with it has no usable body for most readers.
  if (Object.prototype.toString.call(headers) === '[object Map]')
    throw new NotAResponseError('the `headers` that it returned are a Map, not a Headers object');
  // The Response of an error has the status 0, as the one of a redirect that was not followed has.
  if (type === 'error') throw new TypeError('the response is a network error');
  if (!isStream(body)) throw new NotAResponseError('the `body` that it returned is not a stream');
  if (body?.locked === true) throw new NotAResponseError('the `body` that it returned was read already');
  return value as ResponseLike;
}

/** The error for a `fetch` function that threw `cause` before it returned a promise. */
export function thrownAtOnce(cause: unknown): NotAResponseError {
  return new NotAResponseError('it threw an error before it returned a promise', { cause });
}

function isStream(body: unknown): body is { readonly locked?: unknown } | null {
  return body === null || (typeof body === 'object' && Symbol.asyncIterator in (body ?? {}));
}

function nameOf(value: unknown): string {
  return value === undefined || value === null ? String(value) : `a ${typeof value}`;
}
