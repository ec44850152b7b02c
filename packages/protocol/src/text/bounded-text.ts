/** A body has more bytes than are read. */
export class BodyTooLargeError extends Error {
  /** Tells it apart from other errors. */
  override readonly name = 'BodyTooLargeError';
}

/**
 * Reads a body of at most `maxBytes` bytes as UTF-8. Throws {@link BodyTooLargeError} for a longer one, and with `fatal` a
 * TypeError for one that is not UTF-8 (otherwise such bytes become U+FFFD); the rest of the body is cancelled then.
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
  // leaving the loop by a throw cancels the stream
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw new BodyTooLargeError();
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
