import { isDefaultFetch } from '@credence/protocol';
import type { CredenceError } from '../errors/credence-error.ts';
import type { Call, FetchContext } from './call.ts';
import { bodyMeter, eventMeter, jsonBodyMeter } from './body-limits.ts';
import { limitBody, readAhead } from './bounded-response.ts';
import { reportFailedCall } from './failed-call.ts';
import { responseTooLarge } from './failures.ts';
import { EXAMINED_BYTES } from './json-meter.ts';

const MAX_START_BYTES = 8_192;
const MAX_START_MS = 500;

const listeners = new WeakMap<Response, (refusal: CredenceError) => void>();
const replacements = new WeakMap<Response, Response>();

/**
 * Calls `listener` if the body of a response of `fetchFor` exceeds its limit while it is read. The reader of the body gets the same
 * error. For a transport that reads an event stream and does not tell its callers why the stream ended.
 */
export function onBodyRefused(response: Response, listener: (refusal: CredenceError) => void): void {
  listeners.set(response, listener);
}

/**
 * For a fetch that wraps that of `fetchFor` and returns another response with the body of `response`: `onBodyRefused` works for
 * `replacement` too. Returns `replacement`.
 */
export function replacingResponse(response: Response, replacement: Response): Response {
  replacements.set(response, replacement);
  return replacement;
}

function tellListeners(response: Response, refusal: CredenceError): void {
  for (let at: Response | undefined = response; at !== undefined; at = replacements.get(at))
    listeners.get(at)?.(refusal);
}

/**
 * The response with the limits of the server on its body; see `limitBody`. A response whose length is known and within the limits is
 * returned as it is. Throws `response_too_large` if the length is known and above them.
 */
export function withLimits({ runtime, access, whenClosed }: FetchContext, call: Call, response: Response): Response {
  const { body, headers, status } = response;
  // A fetch of the caller's own can return an object with another kind of body.
  if (body === null || typeof body.getReader !== 'function') return response;
  const { name, limits } = access.settings;
  const length = contentLength(headers);
  // The start of the body of an error is read for events, and `readAhead` needs a limited response.
  // The HTTP parser of Node.js ends a body at its length. The fetch of a caller can pass on a header that is not true.
  const isTrue = length !== undefined && isDefaultFetch(runtime.fetch);
  const isPlain = response.status < 400 || !runtime.observed;
  if (isTrue && isPlain && length <= Math.min(limits.bodyBytes, limits.eventBytes, EXAMINED_BYTES)) return response;
  // The SDKs read the body of an error response to its end, also if it is an event stream.
  const isEvents = response.ok && isEventStream(headers);
  const option = isEvents ? 'eventBytes' : 'bodyBytes';
  if (!isEvents && length !== undefined && length > limits.bodyBytes) {
    body.cancel().catch(() => undefined);
    throw responseTooLarge(name, { option, limits, status });
  }
  const newBodyMeter = isJson(headers) ? jsonBodyMeter : bodyMeter;
  let refusal: CredenceError | undefined;
  return limitBody(response, {
    // A signal would end the stream. Without one, the stream ends here.
    whenClosed: isEvents && !call.init.signal ? whenClosed : undefined,
    newMeter: () => (isEvents ? eventMeter(limits.eventBytes) : newBodyMeter(limits.bodyBytes)),
    refuse(excess) {
      if (refusal) return refusal;
      refusal = responseTooLarge(name, { option, limits, status, excess });
      reportFailedCall({ runtime, access }, refusal, call.init, call.startedMs);
      tellListeners(response, refusal);
      return refusal;
    },
  });
}

function isEventStream(headers: Headers): boolean {
  return /^\s*text\/event-stream\s*(?:;|$)/iu.test(headers.get('content-type') ?? '');
}

function isJson(headers: Headers): boolean {
  return /^[^;]*[/+]json\s*(?:;|$)/iu.test(headers.get('content-type') ?? '');
}

/** The length of the decoded body, or undefined if the headers do not say it: that of a compressed body is another one. */
function contentLength(headers: Headers): number | undefined {
  const value = headers.get('content-length');
  if (value === null || !/^\d{1,15}$/u.test(value)) return undefined;
  return headers.has('content-encoding') || headers.has('transfer-encoding') ? undefined : Number(value);
}

/**
 * The start of a body as text, at most 8 KiB, and what arrives in half a second. The rest is cancelled, because a connection is not
 * reused until its body is read or cancelled.
 */
export async function startOfBody(response: Response): Promise<string> {
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeUp = new Promise<{ done: true; value: undefined }>((resolve) => {
    timer = setTimeout(() => resolve({ done: true, value: undefined }), MAX_START_MS);
  });
  const decoder = new TextDecoder();
  let text = '';
  try {
    reader = response.body?.getReader();
    if (!reader) return text;
    for (let bytes = 0; bytes < MAX_START_BYTES;) {
      const { done, value } = await Promise.race([reader.read(), timeUp]);
      if (done) break;
      bytes += value.byteLength;
      text += decoder.decode(value.subarray(0, MAX_START_BYTES), { stream: true });
    }
  } catch {
    // What arrived before the error is used.
  } finally {
    clearTimeout(timer);
    reader?.cancel().catch(() => undefined);
  }
  return text;
}

/** The start of a body as text, for events. The caller of the response can read the body from its start. */
export async function startForEvents(response: Response): Promise<string> {
  const start = await readAhead(response, { bytes: MAX_START_BYTES, ms: MAX_START_MS });
  return new TextDecoder().decode(Buffer.concat(start).subarray(0, MAX_START_BYTES));
}

/** Cancels the body of a response, because a connection is not reused until its body is read or cancelled. */
export async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => undefined);
}
