/** One event of an event stream (HTML standard, section 9.2.6). */
export interface StreamEvent {
  /** `message` if the stream names none. */
  readonly type: string;
  readonly data: string;
}

/** The peer sent more bytes than the limit. */
export class TooManyBytesError extends Error {
  override readonly name = 'TooManyBytesError';
}

/** The text of a body in pieces. Throws {@link TooManyBytesError} after `maxBytes`. The end of the loop cancels the body. */
export async function* boundedPieces(
  body: ReadableStream<Uint8Array> | null,
  maxBytes: number,
): AsyncGenerator<string, void> {
  if (body === null) return;
  const decoder = new TextDecoder();
  let bytes = 0;
  for await (const piece of body) {
    const left = maxBytes - bytes;
    bytes += piece.byteLength;
    if (bytes > maxBytes) {
      yield decoder.decode(piece.subarray(0, left));
      throw new TooManyBytesError();
    }
    yield decoder.decode(piece, { stream: true });
  }
  yield decoder.decode();
}

/** The events of a body that have data. Comments and events without data are left out; an event without its blank line is lost. */
export async function* eventsIn(
  body: ReadableStream<Uint8Array> | null,
  maxBytes: number,
): AsyncGenerator<StreamEvent, void> {
  let type = '';
  let data: string[] = [];
  for await (const line of linesIn(boundedPieces(body, maxBytes))) {
    if (line === '') {
      if (data.length > 0) yield { type: type === '' ? 'message' : type, data: data.join('\n') };
      type = '';
      data = [];
      continue;
    }
    const [, field, value = ''] = /^([^:]*)(?:: ?(.*))?$/su.exec(line) ?? [];
    if (field === 'data') data.push(value);
    if (field === 'event') type = value;
  }
}

/** The complete lines of a text in pieces. A line ends with CR, LF or both. */
async function* linesIn(pieces: AsyncIterable<string>): AsyncGenerator<string, void> {
  let held: string[] = [];
  let afterCr = false;
  for await (const piece of pieces) {
    let start = 0;
    for (const { index } of piece.matchAll(/[\r\n]/gu)) {
      const isLfOfCrlf = afterCr && piece[index] === '\n' && index === start && held.length === 0;
      afterCr = piece[index] === '\r';
      const line = held.join('') + piece.slice(start, index);
      start = index + 1;
      if (isLfOfCrlf) continue;
      held = [];
      yield line;
    }
    if (start < piece.length) {
      held.push(piece.slice(start));
      afterCr = false;
    }
  }
}
