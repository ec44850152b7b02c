import { type ProtectedHeader } from '../jose/protected-header.ts';
import { parseStrictObject, StrictJsonError } from '../text/strict-json.ts';
import { IdJagError } from './error.ts';
import { idJagHeader } from './header.ts';

const decoder = new TextDecoder('utf-8', { fatal: true });

/** The largest assertion that is parsed, in characters. */
const MAX_ASSERTION_LENGTH = 16 * 1024;
/** One buffer for all assertions: each is decoded without an await, and allocating a buffer for each takes half of the time. */
const bytes = Buffer.allocUnsafeSlow(MAX_ASSERTION_LENGTH);

/** The header and the claims of an assertion. */
export interface DecodedAssertion {
  /** The header, after the checks that need no key. */
  readonly header: ProtectedHeader;
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
    header: idJagHeader(assertion.slice(0, first)),
    claims: decodedClaims(assertion.slice(first + 1, second)),
  };
}

function decodedClaims(part: string): Record<string, unknown> {
  try {
    return parseStrictObject(decoder.decode(bytes.subarray(0, bytes.write(part, 'base64url'))));
  } catch (error) {
    // The messages of other errors can quote the assertion.
    throw new IdJagError(
      'malformed',
      error instanceof StrictJsonError ? `the claims: ${error.message}` : 'the claims cannot be read',
    );
  }
}
