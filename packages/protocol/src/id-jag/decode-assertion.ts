import type { JWSHeaderParameters } from 'jose';
import { lruCache } from '../cache/lru-cache.ts';
import { IdJagError } from './error.ts';
import { checkedHeader } from './header.ts';
import { parseStrictObject, StrictJsonError } from './strict-json.ts';

const decoder = new TextDecoder('utf-8', { fatal: true });

/** The largest assertion that is parsed, in characters. */
const MAX_ASSERTION_LENGTH = 16 * 1024;
/** One buffer for all parts: each is decoded without an await, and allocating a buffer for each takes half of the time. */
const bytes = Buffer.allocUnsafeSlow(MAX_ASSERTION_LENGTH);

/** The header and the claims of an assertion. */
export interface DecodedAssertion {
  /** The header, after the checks that need no key. */
  readonly header: Readonly<JWSHeaderParameters & { alg: string }>;
  /** Not verified yet: the caller verifies the signature over the bytes that these claims were parsed from. */
  readonly claims: Record<string, unknown>;
}

/** Parses an assertion and checks its header. The signature is not verified. Throws IdJagError. */
export function decodeAssertion(assertion: string): DecodedAssertion {
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

/** A cache by the encoded header: an issuer sends the same header until it rotates its keys. */
const headers = lruCache<DecodedAssertion['header']>(100);
const MAX_HEADER_LENGTH = 512;

function headerOf(part: string): DecodedAssertion['header'] {
  const cached = headers.get(part);
  if (cached !== undefined) return cached;
  const header = Object.freeze(checkedHeader(decodedPart(part, 'the header')));
  // Anybody can fill the cache with made-up headers. Parsing a header again takes a few microseconds.
  if (part.length <= MAX_HEADER_LENGTH) headers.set(part, header);
  return header;
}

function decodedPart(part: string, name: string): Record<string, unknown> {
  try {
    return parseStrictObject(decoder.decode(bytes.subarray(0, bytes.write(part, 'base64url'))));
  } catch (error) {
    // The messages of other errors can quote the assertion.
    throw new IdJagError(
      'malformed',
      error instanceof StrictJsonError ? `${name}: ${error.message}` : `${name} cannot be read`,
    );
  }
}
