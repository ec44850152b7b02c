import type { CredenceError } from '../errors/credence-error.ts';
import type { BodyMeter } from './body-limits.ts';
import type { Excess } from './excess.ts';
import type { WhenClosed } from './when-closed.ts';

/** What to do at the end of a body that is read. */
export interface BodyEnd {
  /** The body ended with an error. Not called for an error of `refuse`, and not if its reader cancelled it. */
  readonly failed: (error: unknown) => void;
  /** The body was read to its end. */
  readonly ended: () => void;
}

/** How a body is limited. */
export interface BodyLimit extends BodyEnd {
  /** A new meter, for each reader of the body. */
  readonly newMeter: () => BodyMeter;
  /** The error for a body that exceeds the limit. Called for the first byte above it. */
  readonly refuse: (excess: Excess) => CredenceError;
  /** Ends the stream when the principal is closed. */
  readonly whenClosed?: WhenClosed | undefined;
}

type Body = ReadableStream<Uint8Array>;
type BodyReader = ReadableStreamDefaultReader<Uint8Array>;

interface LimitedBody {
  readonly limit: BodyLimit;
  /** The stream that replaces the body after its start was read by `readAhead`. */
  replay?: Body;
  /** Whether the caller has begun to read the body. */
  isUsed?: boolean;
}

const bodies = new WeakMap<Response, LimitedBody>();
const limitedStreams = new WeakMap<Body, Body>();
const limitedPrototypes = new WeakMap<Response, Response>();
const utf8 = new TextDecoder();

/**
 * Limits the body of `response`, and returns the same object: everything except its body stays as it was. The body is counted while
 * it is read, after decompression; no byte is read before the caller reads. With the first byte above the limit, the body is
 * cancelled, which closes the connection, and every way to read it rejects with the error of `limit.refuse`.
 */
export function limitBody(response: Response, limit: BodyLimit): Response {
  bodies.set(response, { limit });
  return Object.setPrototypeOf(response, limitedPrototype(prototypeOf(response))) as Response;
}

/**
 * Reads the start of the body of a response that `limitBody` has returned: at most `max.bytes`, a chunk more or less, and what arrives in
 * `max.ms`. The caller of the response reads the body from its start all the same. It is not done by `clone`, because Node.js
 * reports an unhandled rejection if the request is aborted after one of the two bodies was cancelled.
 */
export async function readAhead(response: Response, max: { bytes: number; ms: number }): Promise<Uint8Array[]> {
  const state = bodies.get(response);
  const body = response.bodyUsed ? null : bodyOf(response, prototypeOf(prototypeOf(response)));
  if (!state || !body) return [];
  const reader = body.getReader();
  const start: Uint8Array[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeUp = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), max.ms);
  });
  let next = reader.read();
  try {
    for (let bytes = 0; bytes < max.bytes; next = reader.read()) {
      const result = await Promise.race([next, timeUp]);
      if (!result || result.done) break;
      start.push(result.value);
      bytes += result.value.byteLength;
    }
  } catch {
    // The caller gets the error after the start.
  } finally {
    clearTimeout(timer);
    next.catch(() => undefined);
  }
  state.replay = replay([...start], next, reader);
  return start;
}

function replay(start: Uint8Array[], first: ReturnType<BodyReader['read']>, reader: BodyReader): Body {
  let next: ReturnType<BodyReader['read']> | undefined = first;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const chunk = start.shift();
        if (chunk) return controller.enqueue(chunk);
        const { done, value } = await (next ?? reader.read());
        next = undefined;
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: async (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

/**
 * A prototype with the members of `original`, whose members that read the body have the limit. The response keeps its class: this is
 * faster than to set the members on each response, and unlike a new Response it has the url, the headers and the type.
 */
function limitedPrototype(original: Response): Response {
  const known = limitedPrototypes.get(original);
  if (known) return known;
  const stream = (response: Response) => {
    const body = bodyOf(response, original);
    return body && limitedStream(body, stateOf(response));
  };
  const chunks = async (response: Response) => {
    const body = bodyOf(response, original);
    if (response.bodyUsed || (body && limitedStreams.get(body)?.locked)) throw new TypeError('Body is unusable');
    return body ? readAll(body, stateOf(response)) : [];
  };
  const text = async (response: Response) => {
    const [first, ...more] = await chunks(response);
    return utf8.decode(more.length === 0 ? first : Buffer.concat([first ?? new Uint8Array(), ...more]));
  };
  /** A response with the bytes of the body, for the ways to read it that are rarely used. */
  const read = async (response: Response) =>
    new Response(Buffer.concat(await chunks(response)), { headers: response.headers });
  const members: PropertyDescriptorMap & ThisType<Response> = {
    body: {
      get() {
        return stream(this);
      },
    },
    bodyUsed: {
      get() {
        const state = bodies.get(this);
        return state?.replay ? state.isUsed === true : Reflect.get(original, 'bodyUsed', this);
      },
    },
    text: method(text),
    json: method(async (response) => JSON.parse(await text(response)) as unknown),
    arrayBuffer: method(async (response) => (await read(response)).arrayBuffer()),
    blob: method(async (response) => (await read(response)).blob()),
    formData: method(async (response) => (await read(response)).formData()),
    bytes: method(async (response) => new Uint8Array(await (await read(response)).arrayBuffer())),
    clone: method((response) => {
      if (response.bodyUsed || stream(response)?.locked) throw new TypeError('Body is unusable');
      const state = stateOf(response);
      const copy = state.replay ? replayedTwice(response, state, state.replay) : original.clone.call(response);
      return limitBody(copy, state.limit);
    }),
  };
  const limited = Object.create(original, members) as Response;
  limitedPrototypes.set(original, limited);
  return limited;
}

function method(run: (response: Response) => unknown): PropertyDescriptor & ThisType<Response> {
  return {
    writable: true,
    configurable: true,
    value(this: Response) {
      return run(this);
    },
  };
}

/** The body without the limit. */
function bodyOf(response: Response, original: Response): Body | null {
  return bodies.get(response)?.replay ?? (Reflect.get(original, 'body', response) as Body | null);
}

/** A response with the same body, which can no longer be cloned by the class of the response. */
function replayedTwice(response: Response, state: LimitedBody, body: Body): Response {
  const [ours, theirs] = body.tee();
  state.replay = ours;
  const { status, statusText, headers, url, redirected } = response;
  const copy = new Response(theirs, { status, statusText, headers });
  return Object.defineProperties(copy, { url: { value: url }, redirected: { value: redirected } });
}

function prototypeOf(response: Response): Response {
  return Object.getPrototypeOf(response) as Response;
}

function stateOf(response: Response): LimitedBody {
  const state = bodies.get(response);
  if (!state) throw new TypeError('Illegal invocation');
  return state;
}

/** The body as a stream. The body itself is locked at the first read, so that an unread response can be cloned. */
function limitedStream(body: Body, state: LimitedBody): Body {
  const known = limitedStreams.get(body);
  if (known) return known;
  const exceeds = state.limit.newMeter();
  let reader: BodyReader | undefined;
  let stopWaiting: (() => void) | undefined;
  let isCancelled = false;
  const limited = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        stopWaiting = state.limit.whenClosed?.((reason) => {
          isCancelled = true;
          controller.error(reason);
          (reader ?? body).cancel(reason).catch(() => undefined);
        });
      },
      async pull(controller) {
        state.isUsed = true;
        reader ??= body.getReader();
        try {
          const { done, value } = await next(reader, state.limit, () => isCancelled);
          const excess = done ? undefined : exceeds(value);
          if (excess) throw refusal(reader, state.limit, excess);
          if (!done) return controller.enqueue(value);
          stopWaiting?.();
          controller.close();
        } catch (error) {
          stopWaiting?.();
          throw error;
        }
      },
      async cancel(reason) {
        isCancelled = true;
        stopWaiting?.();
        state.isUsed = true;
        await (reader ?? body).cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
  limitedStreams.set(body, limited);
  return limited;
}

async function readAll(body: Body, state: LimitedBody): Promise<Uint8Array[]> {
  state.isUsed = true;
  const reader = body.getReader();
  const exceeds = state.limit.newMeter();
  const chunks: Uint8Array[] = [];
  for (;;) {
    const { done, value } = await next(reader, state.limit);
    if (done) return chunks;
    const excess = exceeds(value);
    if (excess) throw refusal(reader, state.limit, excess);
    chunks.push(value);
  }
}

async function next(
  reader: BodyReader,
  { failed, ended }: BodyEnd,
  isCancelled = () => false,
): ReturnType<BodyReader['read']> {
  try {
    const result = await reader.read();
    if (result.done && !isCancelled()) ended();
    return result;
  } catch (error) {
    if (!isCancelled()) failed(error);
    throw error;
  }
}

const ends = new WeakMap<Response, BodyEnd>();
const watchedPrototypes = new WeakMap<Response, Response>();

/**
 * Calls `end` when the whole body was read by a method such as `json`, or when that failed. Returns the same object. The body as a stream
 * is not watched.
 */
export function watchBody(response: Response, end: BodyEnd): Response {
  ends.set(response, end);
  return Object.setPrototypeOf(response, watchedPrototype(prototypeOf(response))) as Response;
}

function watchedPrototype(original: Response): Response {
  const known = watchedPrototypes.get(original);
  if (known) return known;
  const watched = (read: () => Promise<unknown>) =>
    method(async (response) => {
      const end = response.bodyUsed ? undefined : ends.get(response);
      try {
        const value = await read.call(response);
        end?.ended();
        return value;
      } catch (error) {
        end?.failed(error);
        throw error;
      }
    });
  const { text, json, arrayBuffer, blob, formData, bytes } = original as Response & { bytes?: () => Promise<unknown> };
  const members: PropertyDescriptorMap & ThisType<Response> = {
    text: watched(text),
    json: watched(json),
    arrayBuffer: watched(arrayBuffer),
    blob: watched(blob),
    formData: watched(formData),
    ...(bytes && { bytes: watched(bytes) }),
  };
  const prototype = Object.create(original, members) as Response;
  watchedPrototypes.set(original, prototype);
  return prototype;
}

function refusal(reader: BodyReader, { refuse }: BodyLimit, excess: Excess): CredenceError {
  const error = refuse(excess);
  reader.cancel(error).catch(() => undefined);
  return error;
}
