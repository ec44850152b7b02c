/** A body has more bytes than the limit. */
export class BodyTooLargeError extends Error {
  /** Always `BodyTooLargeError`. */
  override readonly name = 'BodyTooLargeError';
}

/** A chunk of a body is something other than bytes, such as a string. */
export class NotBytesError extends TypeError {
  /** Always `NotBytesError`. */
  override readonly name = 'NotBytesError';
}

/**
 * Reads a body of at most `maxBytes` bytes as UTF-8. Throws {@link BodyTooLargeError} for a longer body, and
 * a TypeError with the name `NotBytesError` for a body of something other than bytes. For a body that is not UTF-8 it throws a TypeError if `fatal` is true;
 * otherwise the invalid bytes become U+FFFD. When it throws, it cancels
 * the rest of the body.
 */
export async function boundedText(
  body: ReadableStream<Uint8Array> | null,
  maxBytes: number,
  { fatal = false }: { fatal?: boolean } = {},
): Promise<string> {
  if (body === null) return '';
  const decoder = new TextDecoder('utf-8', { fatal });
  let text = '';
  let bytes = 0;
  // An error thrown in the loop cancels the stream.
  for await (const chunk of body) {
    if (!ArrayBuffer.isView(chunk)) throw new NotBytesError('a chunk of the body is not bytes');
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw new BodyTooLargeError();
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
