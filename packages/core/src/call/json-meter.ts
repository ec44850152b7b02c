import type { Excess } from './excess.ts';

/** Messages in one JSON-RPC batch. Each costs the SDKs about 10 microseconds. */
export const MAX_MESSAGES = 5_000;
/** Levels of objects and arrays. */
export const MAX_DEPTH = 1_000;
/** A smaller text is not examined: no structure that fits into it takes the process a noticeable time. */
export const EXAMINED_BYTES = 262_144;
/** Chunks that are held until the text is large enough to be examined. */
const MAX_HELD = 1_000;

const QUOTE = 34;
const COMMA = 44;
const OPEN_LIST = 91;
const BACKSLASH = 92;
const CLOSE_LIST = 93;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;

/**
 * Limits the structure of a JSON text before it is parsed: the messages of a batch, and the depth. Bytes do not limit the time: the
 * SDKs need seconds for a body of a few megabytes that has many messages or many levels.
 */
export class JsonMeter {
  #held: Uint8Array[] = [];
  #bytes = 0;
  #depth = 0;
  #messages = 0;
  #isBatch = false;
  #inString = false;
  #escaped = false;

  /** What the text exceeds with this part of it, if anything. */
  add(part: Uint8Array): Excess | undefined {
    this.#bytes += part.byteLength;
    this.#held.push(part);
    if (this.#bytes <= EXAMINED_BYTES && this.#held.length < MAX_HELD) return undefined;
    const parts = this.#held;
    this.#held = [];
    for (const held of parts) {
      const excess = this.#examine(held);
      if (excess) return excess;
    }
    return undefined;
  }

  #examine(part: Uint8Array): Excess | undefined {
    // oxlint-disable-next-line typescript/prefer-for-of -- an iterator takes several times as long
    for (let at = 0; at < part.length; at += 1) {
      const byte = part[at];
      if (this.#escaped) this.#escaped = false;
      else if (this.#inString) {
        if (byte === QUOTE) this.#inString = false;
        else if (byte === BACKSLASH) this.#escaped = true;
      } else if (byte === QUOTE) this.#inString = true;
      else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
        if (this.#depth === 0) this.#isBatch = byte === OPEN_LIST;
        this.#depth += 1;
        if (this.#depth > MAX_DEPTH) return 'depth';
      } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) this.#depth -= 1;
      else if (byte === COMMA && this.#depth === 1 && this.#isBatch) {
        this.#messages += 1;
        if (this.#messages >= MAX_MESSAGES) return 'messages';
      }
    }
    return undefined;
  }
}
