import { IdJagError } from './error.ts';
import { checkedHeader } from './header.ts';
import { parseStrictObject, StrictJsonError } from './strict-json.ts';

const decoder = new TextDecoder('utf-8', { fatal: true });

type CheckedHeader = Readonly<ReturnType<typeof checkedHeader>>;

interface Decoded {
  readonly header: CheckedHeader;
  /** Not verified yet; the signature is then checked over the very bytes they were read from. */
  readonly claims: Record<string, unknown>;
}

/** An assertion read into its parts, its header checked, its signature not. Throws IdJagError. */
export function decoded(assertion: string): Decoded {
  const { 0: header, 1: payload, length } = assertion.split('.');
  if (header === undefined || payload === undefined || length !== 3) {
    throw new IdJagError('malformed', 'not three parts');
  }
  return { header: headerOf(header), claims: decodedPart(payload, 'the claims') };
}

/** An issuer writes the same header until it rotates its keys: those that were read once are known again. */
const headers = new Map<string, CheckedHeader>();
const MAX_HEADERS = 100;
const MAX_HEADER_LENGTH = 512;

function headerOf(part: string): CheckedHeader {
  const known = headers.get(part);
  if (known !== undefined) return known;
  const header = Object.freeze(checkedHeader(decodedPart(part, 'the header')));
  // Strangers can push others out, which costs a few microseconds.
  if (headers.size >= MAX_HEADERS) headers.clear();
  if (part.length <= MAX_HEADER_LENGTH) headers.set(part, header);
  return header;
}

function decodedPart(part: string, name: string): Record<string, unknown> {
  try {
    return parseStrictObject(decoder.decode(Buffer.from(part, 'base64url')));
  } catch (error) {
    // What others say of it may quote it.
    throw new IdJagError(
      'malformed',
      error instanceof StrictJsonError ? `${name}: ${error.message}` : `${name} cannot be read`,
    );
  }
}
