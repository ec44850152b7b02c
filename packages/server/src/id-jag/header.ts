import { ID_JAG_TYP } from '@credence/core';
import type { JWSHeaderParameters } from 'jose';
import { shown } from '../text/shown.ts';
import { IdJagError } from './error.ts';

/** Asymmetric algorithms only: with a symmetric one, whoever verifies can also issue. */
export const DEFAULT_ALGORITHMS: readonly string[] = [
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
];

/** RFC 7515 section 4.1.9: a `typ` is a media type, compared without case, its `application/` optional. */
export function mediaType(typ: unknown): string | undefined {
  return typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//u, '') : undefined;
}

/** A protected header, checked for everything that does not need a key. */
export function checkedHeader(header: Readonly<Record<string, unknown>>): JWSHeaderParameters & { alg: string } {
  if (mediaType(header['typ']) !== ID_JAG_TYP) throw new IdJagError('wrong_type', `typ is ${shown(header['typ'])}`);
  if (Object.hasOwn(header, 'crit') || Object.hasOwn(header, 'b64')) throw new IdJagError('critical_header');
  const { alg, kid } = header;
  if (typeof alg !== 'string' || !DEFAULT_ALGORITHMS.includes(alg)) {
    throw new IdJagError('algorithm_not_allowed', `alg is ${shown(alg)}`);
  }
  // A key set is searched by kid: one that is not a string would be as good as none.
  if (kid !== undefined && typeof kid !== 'string') throw new IdJagError('malformed', 'kid');
  return { ...header, alg };
}

/** Whether an issuer's own list allows `alg`; the two names of EdDSA over Ed25519 stand for each other (RFC 9864). */
export function allowsAlgorithm(allowed: readonly string[] | undefined, alg: string): boolean {
  if (allowed === undefined || allowed.includes(alg)) return true;
  return (alg === 'EdDSA' && allowed.includes('Ed25519')) || (alg === 'Ed25519' && allowed.includes('EdDSA'));
}
