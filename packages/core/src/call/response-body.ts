import { isDefaultFetch, isError } from '@credence/protocol';
import type { CredenceError } from '../errors/credence-error.ts';
import type { Call, FetchContext } from './call.ts';
import { bodyMeter, type BodyMeter, eventMeter, jsonBodyMeter } from './body-limits.ts';
import { limitBody, readAhead } from './bounded-response.ts';
import { reportFailedCall } from './failed-call.ts';
import type { Unusable } from './usable-response.ts';
import { failureOfCall, responseTooLarge, streamWithoutResponse } from './failures.ts';
import { callKey } from './json-rpc.ts';
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
export function withLimits(context: FetchContext, call: Call, response: Response, unusable?: Unusable): Response {
  const { runtime, access, whenClosed, unanswered } = context;
  const { body, headers, status } = response;
  // A fetch of the caller's own can return an object with another kind of body.
  if (body === null || typeof body.getReader !== 'function') {
    unanswered.delete(call);
    return response;
  }
  const { name, limits } = access.settings;
  const length = contentLength(headers);
  // The start of the body of an error is read for events, and `readAhead` needs a limited response.
  // The HTTP parser of Node.js ends a body at its length. The fetch of a caller can pass on a header that is not true.
  const isTrue = length !== undefined && isDefaultFetch(runtime.fetch);
  const isPlain = unusable === undefined || !runtime.observed;
  if (isTrue && isPlain && length <= Math.min(limits.bodyBytes, limits.eventBytes, EXAMINED_BYTES)) {
    unanswered.delete(call);
    return response;
  }
  // The SDKs read the body of an error response to its end, also if it is an event stream.
  const isEvents = response.ok && isEventStream(headers);
  const option = isEvents ? 'eventBytes' : 'bodyBytes';
  if (!isEvents && length !== undefined && length > limits.bodyBytes) {
    body.cancel().catch(() => undefined);
    throw responseTooLarge(name, { option, limits, status });
  }
  const newBodyMeter = isJson(headers) ? jsonBodyMeter : bodyMeter;
  let refusal: CredenceError | undefined;
  const stream =
    isEvents && call.init.method === 'POST' ? new ResponseInStream(() => unanswered.delete(call)) : undefined;
  return limitBody(response, {
    // A signal would end the stream. Without one, the stream ends here.
    whenClosed: isEvents && !call.init.signal ? whenClosed : undefined,
    newMeter() {
      if (!isEvents) return newBodyMeter(limits.bodyBytes);
      const meter = eventMeter(limits.eventBytes);
      return stream ? stream.watching(meter) : meter;
    },
    failed(error) {
      // A client resumes a stream that has event ids by GET. If that fails too, its time limit ends the call.
      if (!stream?.hasResponse && !stream?.canBeResumed) bodyFailed(context, call, error);
    },
    ended() {
      if (!stream) return unanswered.delete(call);
      if (stream.hasResponse || stream.canBeResumed || callKey(call.init) === undefined) return;
      reportFailedCall(context, streamWithoutResponse(name, status), call);
    },
    refuse(excess) {
      if (refusal) return refusal;
      refusal = responseTooLarge(name, { option, limits, status, excess });
      reportFailedCall(context, refusal, call);
      tellListeners(response, refusal);
      return refusal;
    },
  });
}

/** A body ended before its end. The event stream of a GET is opened again by its client. */
function bodyFailed(context: FetchContext, call: Call, error: unknown): void {
  context.unanswered.delete(call);
  if (call.init.method !== 'POST' || isSyntaxError(error)) return;
  const failure = failureOfCall(context, call, error);
  if (failure) reportFailedCall(context, failure, call);
}

function isSyntaxError(error: unknown): boolean {
  return isError(error) && error.name === 'SyntaxError';
}

/** Looks for the response to a request in the bytes of its event stream. */
class ResponseInStream {
  hasResponse = false;
  /** Whether an event has an id, so that the client can continue the stream (HTML Living Standard section 9.2.5). */
  canBeResumed = false;
  readonly #onResponse: () => void;
  #end = '\n';

  constructor(onResponse: () => void) {
    this.#onResponse = onResponse;
  }

  /** The meter, which looks at each chunk too. */
  watching(meter: BodyMeter): BodyMeter {
    return (chunk) => {
      if (!this.hasResponse) this.#look(chunk);
      return meter(chunk);
    };
  }

  #look(chunk: Uint8Array): void {
    const text = this.#end + Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('latin1');
    // A text of a notification can look the same. Then the time limit of the client shows that there was no response.
    this.hasResponse = /"(?:result|error)"\s*:/u.test(text);
    this.canBeResumed ||= /[\r\n]id:/u.test(text);
    this.#end = text.slice(-16);
    if (this.hasResponse) this.#onResponse();
  }
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
