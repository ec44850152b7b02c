import { createHash } from 'node:crypto';
import { isJsonObject } from '../text/json.ts';

/** The members that must not be in a public key (RFC 7518 section 6, RFC 8037 section 2). */
const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'];

/** The largest RSA modulus, in bytes: 4096 bits. The time to verify a signature grows with its length. */
const MAX_MODULUS_BYTES = 512;
/** The largest public exponent, in bytes. The time to verify a signature grows with its length; 65537 has three bytes. */
const MAX_EXPONENT_BYTES = 4;

/** The length of a coordinate, in bytes, by curve. */
const EC_BYTES: ReadonlyMap<unknown, number> = new Map([
  ['P-256', 32],
  ['P-384', 48],
  ['P-521', 66],
]);
const ED25519_BYTES = 32;

/**
 * Why a JWK is not accepted as a public key that verifies signatures; undefined if it is. A key in a DPoP proof or in a key
 * set of a peer decides how much time a signature takes, so its size is limited before any library imports the key. The
 * import checks that a point is on its curve.
 */
export function publicJwkFault(jwk: unknown): string | undefined {
  if (!isJsonObject(jwk)) return 'the key is not an object';
  const secret = PRIVATE.find((member) => Object.hasOwn(jwk, member));
  if (secret !== undefined) return 'the key is not a public key';
  const { kty, crv } = jwk;
  if (kty === 'RSA') return rsaFault(jwk['n'], jwk['e']);
  const bytes = kty === 'EC' ? EC_BYTES.get(crv) : kty === 'OKP' && crv === 'Ed25519' ? ED25519_BYTES : undefined;
  if (bytes === undefined) return 'the type of the key is not supported';
  const coordinates = kty === 'EC' ? [jwk['x'], jwk['y']] : [jwk['x']];
  return coordinates.every((each) => isEncoded(each, bytes)) ? undefined : 'a coordinate of the key is malformed';
}

function rsaFault(n: unknown, e: unknown): string | undefined {
  if (!isEncoded(n, MAX_MODULUS_BYTES)) return 'the modulus of the key is malformed, or has more than 4096 bits';
  if (!isEncoded(e, MAX_EXPONENT_BYTES)) return 'the exponent of the key is malformed or too large';
  const exponent = Buffer.from(e, 'base64url').reduce((value, byte) => value * 256 + byte, 0);
  return exponent >= 3 && exponent % 2 === 1 ? undefined : 'the exponent of the key is not valid';
}

/** Whether the value is a text of at most this many bytes in base64url. */
function isEncoded(value: unknown, maxBytes: number): value is string {
  return typeof value === 'string' && value !== '' && value.length <= Math.ceil((maxBytes * 4) / 3);
}

/** The members of a key that its thumbprint is computed from (RFC 7638 section 3.2, RFC 8037 section 2), in their order. */
const THUMBPRINT_MEMBERS: ReadonlyMap<unknown, readonly string[]> = new Map([
  ['EC', ['crv', 'kty', 'x', 'y']],
  ['OKP', ['crv', 'kty', 'x']],
  ['RSA', ['e', 'kty', 'n']],
]);

/**
 * The SHA-256 thumbprint of a public key (RFC 7638). The same as `calculateJwkThumbprint` of jose, which is asynchronous.
 * Throws a TypeError for a key that {@link publicJwkFault} refuses.
 */
export function jwkThumbprint(jwk: unknown): string {
  const fault = publicJwkFault(jwk);
  const members = isJsonObject(jwk) ? THUMBPRINT_MEMBERS.get(jwk['kty']) : undefined;
  if (fault !== undefined || members === undefined || !isJsonObject(jwk)) throw new TypeError(fault);
  const required = Object.fromEntries(members.map((member) => [member, jwk[member]]));
  return createHash('sha256').update(JSON.stringify(required)).digest('base64url');
}
