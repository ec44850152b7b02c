import type { Excess } from './excess.ts';
import { JsonMeter } from './json-meter.ts';

/** Measures one body. It is called for each chunk in order, and returns what the body exceeds with this chunk, if anything. */
export type BodyMeter = (chunk: Uint8Array) => Excess | undefined;

/** Limits all bytes of a body. */
export function bodyMeter(maxBytes: number): BodyMeter {
  let bytes = 0;
  return (chunk) => {
    bytes += chunk.byteLength;
    return bytes > maxBytes ? 'bytes' : undefined;
  };
}

/** Limits all bytes of a body that is JSON, and its structure. */
export function jsonBodyMeter(maxBytes: number): BodyMeter {
  const bytes = bodyMeter(maxBytes);
  const json = new JsonMeter();
  return (chunk) => bytes(chunk) ?? json.add(chunk);
}

const LF = 10;
const CR = 13;
const COLON = 58;
const DATA = new TextEncoder().encode('data:');
/** A byte order mark, which can precede the first line. */
const BOM = new TextEncoder().encode('\uFEFF');

/**
 * Limits each event and each line of an event stream, which as a whole may be endless. A line ends with LF, CR or CRLF, and an
 * event ends with an empty line (HTML Living Standard section 9.2.5). A comment, which keeps an idle connection open, is limited as a
 * line and is not part of an event: a stream of nothing but comments is valid. The data of an event is also limited as a JSON text.
 */
export function eventMeter(maxBytes: number): BodyMeter {
  /** The bytes of the complete lines of the current event. */
  let eventBytes = 0;
  /** The bytes of the current line so far. */
  let lineBytes = 0;
  let isComment = false;
  let endedWithCr = false;
  let isFirstLine = true;
  /** How many bytes of `data:` the line begins with. Undefined if it begins in another way. */
  let matched: number | undefined = 0;
  let json = new JsonMeter();
  /** Passes on the data in a part of a line. */
  const dataExcess = (chunk: Uint8Array, from: number, to: number): Excess | undefined => {
    let at = from;
    for (; matched !== undefined && matched < DATA.length && at < to; at += 1) {
      const byte = chunk[at];
      if (byte === DATA[matched]) matched += 1;
      else if (!isFirstLine || matched > 0 || byte === undefined || !BOM.includes(byte)) matched = undefined;
    }
    return matched === DATA.length && at < to ? json.add(chunk.subarray(at, to)) : undefined;
  };
  return (chunk) => {
    const { length } = chunk;
    let at = endedWithCr && chunk[0] === LF ? 1 : 0;
    if (length > 0) endedWithCr = false;
    let lf = chunk.indexOf(LF, at);
    let cr = chunk.indexOf(CR, at);
    while (at < length) {
      if (lineBytes === 0) isComment = chunk[at] === COLON;
      if (lf !== -1 && lf < at) lf = chunk.indexOf(LF, at);
      if (cr !== -1 && cr < at) cr = chunk.indexOf(CR, at);
      const end = lf === -1 ? cr : cr === -1 ? lf : Math.min(lf, cr);
      const to = end === -1 ? length : end;
      lineBytes += to - at;
      if (eventBytes + lineBytes > maxBytes) return 'bytes';
      const excess = dataExcess(chunk, at, to);
      if (excess !== undefined || end === -1) return excess;
      if (lineBytes === 0) {
        eventBytes = 0;
        json = new JsonMeter();
      } else if (!isComment) eventBytes += lineBytes;
      lineBytes = 0;
      matched = 0;
      isFirstLine = false;
      at = end + 1;
      if (end !== cr) continue;
      if (at === length) endedWithCr = true;
      else if (chunk[at] === LF) at += 1;
    }
    return undefined;
  };
}
