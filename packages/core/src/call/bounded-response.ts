import type { CredenceError } from '../errors/credence-error.ts';
import type { BodyMeter } from './body-limits.ts';

type ReadBody = ReadableStreamDefaultReader<Uint8Array>;

/**
 * Limits the body of `response`, and returns the same object: everything except its body stays as it was. The body is counted while
 * it is read, after decompression; no byte is read before the caller reads. With the first byte above the limit, the body is
 * cancelled, which closes the connection, and every way to read it rejects with the error that `refuse` returns.
 */
export function limitBody(response: Response, newMeter: () => BodyMeter, refuse: () => CredenceError): Response {
  bodies.set(response, new LimitedBody(response, newMeter, refuse));
  return Object.defineProperties(response, MEMBERS);
}

const bodies = new WeakMap<Response, LimitedBody>();

/** The members of a Response that read its body. They are set on the object itself, so they come before those of the class. */
const MEMBERS: PropertyDescriptorMap & ThisType<Response> = {
  body: {
    configurable: true,
    get() {
      return limitedBody(this).stream();
    },
  },
  text: method(async (response) => limitedBody(response).text()),
  json: method(async (response) => JSON.parse(await limitedBody(response).text()) as unknown),
  arrayBuffer: method(async (response) => limitedBody(response).rest().arrayBuffer()),
  blob: method(async (response) => limitedBody(response).rest().blob()),
  formData: method(async (response) => limitedBody(response).rest().formData()),
  bytes: method(async (response) => new Uint8Array(await limitedBody(response).rest().arrayBuffer())),
  clone: method((response) => limitedBody(response).clone()),
};

function method(run: (response: Response) => unknown): PropertyDescriptor & ThisType<Response> {
  return {
    configurable: true,
    writable: true,
    value(this: Response) {
      return run(this);
    },
  };
}

function limitedBody(response: Response): LimitedBody {
  const body = bodies.get(response);
  if (!body) throw new TypeError('Illegal invocation');
  return body;
}

class LimitedBody {
  readonly #response: Response;
  readonly #newMeter: () => BodyMeter;
  readonly #refuse: () => CredenceError;
  #stream: { readonly of: ReadableStream<Uint8Array>; readonly limited: ReadableStream<Uint8Array> } | undefined;

  constructor(response: Response, newMeter: () => BodyMeter, refuse: () => CredenceError) {
    this.#response = response;
    this.#newMeter = newMeter;
    this.#refuse = refuse;
  }

  /** The body as a stream. The stream of the response is locked at the first read, so that an unread response can be cloned. */
  stream(): ReadableStream<Uint8Array> | null {
    const of = unlimited(this.#response);
    if (of === null) return null;
    if (this.#stream?.of !== of) this.#stream = { of, limited: this.#limited(of) };
    return this.#stream.limited;
  }

  async text(): Promise<string> {
    const reader = this.#reader();
    if (!reader) return '';
    const decoder = new TextDecoder();
    const meter = this.#newMeter();
    let text = '';
    for (;;) {
      const chunk = await this.#next(reader, meter);
      if (chunk === undefined) return text + decoder.decode();
      text += decoder.decode(chunk, { stream: true });
    }
  }

  /** A response with the body of this one, for the ways to read it that are rarely used. */
  rest(): Response {
    this.#checkUnread();
    return new Response(this.stream(), { headers: this.#response.headers });
  }

  clone(): Response {
    this.#checkUnread();
    return limitBody(prototypeOf(this.#response).clone.call(this.#response), this.#newMeter, this.#refuse);
  }

  #reader(): ReadBody | undefined {
    this.#checkUnread();
    return unlimited(this.#response)?.getReader();
  }

  #checkUnread(): void {
    if (this.#response.bodyUsed || this.#stream?.limited.locked) throw new TypeError('Body is unusable');
  }

  #limited(of: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
    const meter = this.#newMeter();
    let reader: ReadBody | undefined;
    return new ReadableStream(
      {
        pull: async (controller) => {
          reader ??= of.getReader();
          const chunk = await this.#next(reader, meter);
          if (chunk === undefined) controller.close();
          else controller.enqueue(chunk);
        },
        cancel: async (reason) => (reader ?? of).cancel(reason),
      },
      { highWaterMark: 0 },
    );
  }

  /** The next chunk, or undefined at the end of the body. */
  async #next(reader: ReadBody, exceeds: BodyMeter): Promise<Uint8Array | undefined> {
    const { done, value } = await reader.read();
    if (done) return undefined;
    if (!exceeds(value)) return value;
    const refusal = this.#refuse();
    reader.cancel(refusal).catch(() => undefined);
    throw refusal;
  }
}

/** The body that the class of the response has, without the limit. */
function unlimited(response: Response): ReadableStream<Uint8Array> | null {
  return Reflect.get(prototypeOf(response), 'body', response) as ReadableStream<Uint8Array> | null;
}

function prototypeOf(response: Response): Response {
  return Object.getPrototypeOf(response) as Response;
}
