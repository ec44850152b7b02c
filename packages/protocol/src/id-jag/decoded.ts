import type { JWSHeaderParameters } from 'jose';
import { lruCache } from '../cache/lru-cache.ts';
import { IdJagError } from './error.ts';
import { checkedHeader } from './header.ts';
import { parseStrictObject, StrictJsonError } from './strict-json.ts';

const decoder = new TextDecoder('utf-8', { fatal: true });

/** The largest assertion that is looked at, in characters. */
const MAX_ASSERTION_LENGTH = 16 * 1024;
/** A part is read in one go, so one place to read into will do; making one for each is half the work. */
const bytes = Buffer.allocUnsafeSlow(MAX_ASSERTION_LENGTH);

/** An assertion in its parts. */
export interface Decoded {
  /** The header, checked. */
  readonly header: Readonly<JWSHeaderParameters & { alg: string }>;
  /** Not verified yet; the signature is then checked over the very bytes they were read from. */
  readonly claims: Record<string, unknown>;
}

/** An assertion read into its parts, its header checked, its signature not. Throws IdJagError. */
export function decoded(assertion: string): Decoded {
  if (assertion.length > MAX_ASSERTION_LENGTH) throw new IdJagError('too_large');
  const first = assertion.indexOf('.');
  const second = assertion.indexOf('.', first + 1);
  if (first === -1 || second === -1 || assertion.includes('.', second + 1)) {
    throw new IdJagError('malformed', 'not three parts');
  }
  return {
    header: headerOf(assertion.slice(0, first)),
    claims: decodedPart(assertion.slice(first + 1, second), 'the claims'),
  };
}

/** An issuer writes the same header until it rotates its keys: those that were read once are known again. */
const headers = lruCache<Decoded['header']>(100);
const MAX_HEADER_LENGTH = 512;

function headerOf(part: string): Decoded['header'] {
  const known = headers.get(part);
  if (known !== undefined) return known;
  const header = Object.freeze(checkedHeader(decodedPart(part, 'the header')));
  // Strangers can push others out, which costs a few microseconds.
  if (part.length <= MAX_HEADER_LENGTH) headers.set(part, header);
  return header;
}

function decodedPart(part: string, name: string): Record<string, unknown> {
  try {
    return parseStrictObject(decoder.decode(bytes.subarray(0, bytes.write(part, 'base64url'))));
  } catch (error) {
    // What others say of it may quote it.
    throw new IdJagError(
      'malformed',
      error instanceof StrictJsonError ? `${name}: ${error.message}` : `${name} cannot be read`,
    );
  }
}
