import { ID_JAG_TYP } from '../constants.ts';
import type { JWSHeaderParameters } from 'jose';
import { mediaType } from '../jose/header.ts';
import { isSigningAlgorithm } from '../jose/signing-algorithm.ts';
import { shown } from '../text/shown.ts';
import { IdJagError } from './error.ts';

/** A protected header, checked for everything that does not need a key. */
export function checkedHeader(header: Readonly<Record<string, unknown>>): JWSHeaderParameters & { alg: string } {
  if (mediaType(header['typ']) !== ID_JAG_TYP) throw new IdJagError('wrong_type', `typ is ${shown(header['typ'])}`);
  if (Object.hasOwn(header, 'crit') || Object.hasOwn(header, 'b64')) throw new IdJagError('critical_header');
  const { alg, kid } = header;
  if (!isSigningAlgorithm(alg)) {
    throw new IdJagError('algorithm_not_allowed', `alg is ${shown(alg)}`);
  }
  // A key set is searched by kid: one that is not a string would be as good as none.
  if (kid !== undefined && typeof kid !== 'string') throw new IdJagError('malformed', 'kid');
  return { ...header, alg };
}
