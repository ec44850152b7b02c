/** A body was longer than its bound. */
export class ResponseTooLarge extends Error {
  /** Always `ResponseTooLarge`. */
  override readonly name = 'ResponseTooLarge';
}

/** Reads a body of at most `maxBytes` as UTF-8 and lets go of the connection when it is longer. */
export async function readBounded(response: Response, maxBytes: number): Promise<string> {
  const reader = response.body?.getReader();
  if (!reader) return '';
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.byteLength;
    if (size > maxBytes) {
      await reader.cancel().catch(() => undefined);
      throw new ResponseTooLarge();
    }
    chunks.push(value);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}
