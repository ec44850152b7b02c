import { ID_JAG_TYP } from '../constants.ts';
import type { JWSHeaderParameters } from 'jose';
import { mediaType } from '../jose/header.ts';
import { isSigningAlgorithm } from '../jose/signing-algorithm.ts';
import { quoted } from '../text/quoted.ts';
import { IdJagError } from './error.ts';

/** Makes the checks of a protected header that need no key, and returns the header. Throws IdJagError. */
export function checkedHeader(header: Readonly<Record<string, unknown>>): JWSHeaderParameters & { alg: string } {
  if (mediaType(header['typ']) !== ID_JAG_TYP) throw new IdJagError('wrong_type', `typ is ${quoted(header['typ'])}`);
  if (Object.hasOwn(header, 'crit') || Object.hasOwn(header, 'b64')) throw new IdJagError('critical_header');
  const { alg, kid } = header;
  if (!isSigningAlgorithm(alg)) {
    throw new IdJagError('algorithm_not_allowed', `alg is ${quoted(alg)}`);
  }
  // The key set would ignore a kid that is not a string and try every key.
  if (kid !== undefined && typeof kid !== 'string') throw new IdJagError('malformed', 'kid');
  return { ...header, alg };
}
