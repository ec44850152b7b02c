import { ID_JAG_TYP } from '../constants.ts';
import { mediaType } from '../jose/header.ts';
import { JoseHeaderError, type ProtectedHeader, protectedHeaderOf } from '../jose/protected-header.ts';
import { isSigningAlgorithm } from '../jose/signing-algorithm.ts';
import { quoted } from '../text/quoted.ts';
import { IdJagError, type IdJagErrorCode } from './error.ts';

/** The code for a member of the header that has another type or is too long. Any other member is `malformed`. */
const CODES: ReadonlyMap<string | undefined, IdJagErrorCode> = new Map([
  ['typ', 'wrong_type'],
  ['alg', 'algorithm_not_allowed'],
  ['crit', 'critical_header'],
  ['b64', 'critical_header'],
]);

/** Reads the encoded protected header of an ID-JAG, and makes the checks that need no key. Throws IdJagError. */
export function idJagHeader(part: string): ProtectedHeader {
  const header = readHeader(part);
  if (mediaType(header.typ) !== ID_JAG_TYP) throw new IdJagError('wrong_type', `typ is ${quoted(header.typ)}`);
  if (!isSigningAlgorithm(header.alg)) throw new IdJagError('algorithm_not_allowed', `alg is ${quoted(header.alg)}`);
  return header;
}

function readHeader(part: string): ProtectedHeader {
  try {
    return protectedHeaderOf(part);
  } catch (error) {
    if (!(error instanceof JoseHeaderError)) throw error;
    throw new IdJagError(CODES.get(error.member) ?? 'malformed', `the header: ${error.message}`);
  }
}
