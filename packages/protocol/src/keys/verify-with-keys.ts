import { isError } from '../text/is-error.ts';
import { type CryptoKey, errors } from 'jose';

/**
 * Calls `verify` with one key after the other, and returns the result for the first key that verifies the signature.
 * Returns undefined if no key does. Throws any error of `verify` that has another reason.
 */
export async function verifyWithKeys<T>(
  keys: readonly CryptoKey[],
  verify: (key: CryptoKey) => Promise<T>,
): Promise<T | undefined> {
  for (const key of keys) {
    try {
      return await verify(key);
    } catch (error) {
      // Another key made the signature, or this key is unusable: too short, of another curve, not for verifying.
      const isOther =
        error instanceof errors.JWSSignatureVerificationFailed ||
        error instanceof errors.JOSENotSupported ||
        (isError(error) && error.name === 'TypeError');
      if (!isOther) throw error;
    }
  }
  return undefined;
}
