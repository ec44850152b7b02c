/** Counts the bytes of one body. It is called for each chunk in order, and returns true if the chunk exceeds the limit. */
export type BodyMeter = (chunk: Uint8Array) => boolean;

/** Limits all bytes of a body. */
export function bodyMeter(maxBytes: number): BodyMeter {
  let bytes = 0;
  return (chunk) => {
    bytes += chunk.byteLength;
    return bytes > maxBytes;
  };
}

const LF = 10;
const CR = 13;
const COLON = 58;

/**
 * Limits each event and each line of an event stream, which as a whole may be endless. A line ends with LF, CR or CRLF, and an
 * event ends with an empty line (HTML Living Standard section 9.2.5). A comment, which keeps an idle connection open, is limited as a
 * line and is not part of an event: a stream of nothing but comments is valid.
 */
export function eventMeter(maxBytes: number): BodyMeter {
  /** The bytes of the complete lines of the current event. */
  let eventBytes = 0;
  /** The bytes of the current line so far. */
  let lineBytes = 0;
  let isComment = false;
  let endedWithCr = false;
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
      lineBytes += (end === -1 ? length : end) - at;
      if (eventBytes + lineBytes > maxBytes) return true;
      if (end === -1) return false;
      if (lineBytes === 0) eventBytes = 0;
      else if (!isComment) eventBytes += lineBytes;
      lineBytes = 0;
      at = end + 1;
      if (end !== cr) continue;
      if (at === length) endedWithCr = true;
      else if (chunk[at] === LF) at += 1;
    }
    return false;
  };
}
