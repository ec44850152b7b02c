import { type CryptoKey, errors } from 'jose';

/**
 * What `verify` makes of a token with the first key that made its signature; undefined where none of them did. Throws
 * what `verify` throws for any other reason.
 */
export async function verifiedBy<T>(
  keys: readonly CryptoKey[],
  verify: (key: CryptoKey) => Promise<T>,
): Promise<T | undefined> {
  for (const key of keys) {
    try {
      return await verify(key);
    } catch (error) {
      // Signed by another of them, or the key does not fit: too short, of another curve, not for verifying.
      const isOther =
        error instanceof errors.JWSSignatureVerificationFailed ||
        error instanceof errors.JOSENotSupported ||
        error instanceof TypeError;
      if (!isOther) throw error;
    }
  }
  return undefined;
}
