const LF = 10;
const CR = 13;
const FIRST_OF_ID = 'i'.charCodeAt(0);
const FIRST_OF_RETRY = 'r'.charCodeAt(0);
const BOM = new TextEncoder().encode('\uFEFF');
/** The longest line that is held. A longer `id` is passed on and not remembered, and a longer `retry` is left out. */
const MAX_HELD = 4_096;

/** The shortest and the longest time until a client opens an event stream again, in milliseconds. The longest is that of the SDKs. */
export const RETRY_MS = { min: 500, max: 30_000 } as const;

export function isEventStream({ headers }: Response): boolean {
  return headers.get('content-type')?.toLowerCase().includes('text/event-stream') ?? false;
}

/**
 * Reads the lines of one event stream, and changes only the field `retry`: it gets a value that the SDKs can use. They reconnect without
 * a pause for 0, and for a value that is too large for a timer. Calls `onId` with the value of each field `id`, with which a client
 * asks for the rest of the stream (HTML Living Standard section 9.2.6).
 */
export class EventLines {
  readonly #onId: (id: string) => void;
  /** The bytes of a line that begins like `id` or `retry`. Undefined for any other line. */
  #held: number[] | undefined;
  #isLineStart = true;
  #isFirstLine = true;
  #isLeftOut = false;

  constructor(onId: (id: string) => void) {
    this.#onId = onId;
  }

  /** The bytes to pass on for a part of the stream. */
  next(chunk: Uint8Array): Uint8Array {
    const parts: Uint8Array[] = [];
    let copied = 0;
    let at = 0;
    let lf = chunk.indexOf(LF);
    let cr = chunk.indexOf(CR);
    while (at < chunk.length) {
      if (lf !== -1 && lf < at) lf = chunk.indexOf(LF, at);
      if (cr !== -1 && cr < at) cr = chunk.indexOf(CR, at);
      const lineEnd = lf === -1 ? cr : cr === -1 ? lf : Math.min(lf, cr);
      const to = lineEnd === -1 ? chunk.length : lineEnd;
      if (this.#isLineStart && to > at) {
        const first = chunk[at];
        if (this.#isFirstLine && first !== undefined && BOM.includes(first)) {
          at += 1;
          continue;
        }
        this.#isLineStart = false;
        if (first === FIRST_OF_ID || first === FIRST_OF_RETRY) this.#held = [];
      }
      if (this.#held || this.#isLeftOut) {
        parts.push(chunk.subarray(copied, at));
        copied = to;
        if (this.#held) parts.push(this.#hold(this.#held, chunk.subarray(at, to)));
        if (this.#held && lineEnd !== -1) parts.push(this.#field(this.#held));
      }
      at = to;
      if (lineEnd === -1) break;
      at += 1;
      this.#held = undefined;
      this.#isLeftOut = false;
      this.#isLineStart = true;
      this.#isFirstLine = false;
    }
    if (parts.length === 0) return chunk;
    parts.push(chunk.subarray(copied));
    return Buffer.concat(parts);
  }

  /** Holds a part of a line. Returns what is passed on because the line is too long. */
  #hold(held: number[], part: Uint8Array): Uint8Array {
    if (held.length + part.length <= MAX_HELD) {
      for (const byte of part) held.push(byte);
      return new Uint8Array();
    }
    this.#held = undefined;
    const all = Buffer.concat([Uint8Array.from(held), part]);
    this.#isLeftOut = all.subarray(0, 6).toString() === 'retry:';
    return this.#isLeftOut ? new Uint8Array() : all;
  }

  /** The bytes for a complete line. */
  #field(held: readonly number[]): Uint8Array {
    const line = Uint8Array.from(held);
    const text = Buffer.from(line).toString();
    const [, id] = /^id: ?(.+)$/su.exec(text) ?? [];
    if (id !== undefined) this.#onId(id);
    const [, retry] = /^retry: ?(\d+)$/u.exec(text) ?? [];
    if (retry === undefined) return line;
    return Buffer.from(`retry: ${Math.min(Math.max(Number(retry), RETRY_MS.min), RETRY_MS.max)}`);
  }
}
