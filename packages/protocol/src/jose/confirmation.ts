import { isJsonObject } from '../text/json.ts';
import { jwkThumbprint, publicJwkFault } from './public-jwk.ts';

const THUMBPRINT = /^[\w-]{43}$/u;

/** The key that a token is bound to, or why the token cannot be used. */
export type Confirmation =
  | { readonly thumbprint: string; readonly fault?: never }
  | { readonly thumbprint?: never; readonly fault: 'unsupported' | 'malformed' };

/**
 * Reads the claim `cnf` (RFC 7800): the thumbprint in `jkt` (RFC 9449 section 6.1), or that of the key in `jwk` (RFC 7800
 * section 3.2), which some peers send. With both, both must be of the same key. Any other confirmation method is unsupported,
 * and the caller must refuse the token: if the method were ignored, anybody who holds the token could use it.
 */
export function readConfirmation(cnf: unknown): Confirmation {
  if (!isJsonObject(cnf)) return { fault: 'malformed' };
  const members = Object.keys(cnf);
  if (members.length === 0 || !members.every((member) => member === 'jkt' || member === 'jwk')) {
    return { fault: 'unsupported' };
  }
  const { jkt, jwk } = cnf;
  if (Object.hasOwn(cnf, 'jkt') && (typeof jkt !== 'string' || !THUMBPRINT.test(jkt))) return { fault: 'malformed' };
  if (!Object.hasOwn(cnf, 'jwk')) return typeof jkt === 'string' ? { thumbprint: jkt } : { fault: 'malformed' };
  if (publicJwkFault(jwk) !== undefined) return { fault: 'malformed' };
  const thumbprint = jwkThumbprint(jwk);
  return jkt === undefined || jkt === thumbprint ? { thumbprint } : { fault: 'malformed' };
}
