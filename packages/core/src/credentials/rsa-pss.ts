import { constants, type KeyObject, sign } from 'node:crypto';
import type { SigningAlgorithm } from '@credence/protocol';
import { badKey } from './bad-key.ts';

/** The hash of each algorithm and its length in bytes. The salt is as long, and MGF1 uses the same hash (RFC 7518 section 3.5). */
const HASHES = {
  PS256: { hash: 'sha256', bytes: 32 },
  PS384: { hash: 'sha384', bytes: 48 },
  PS512: { hash: 'sha512', bytes: 64 },
} as const;
type PssAlgorithm = keyof typeof HASHES;
const ALGORITHMS: readonly PssAlgorithm[] = ['PS256', 'PS384', 'PS512'];

/**
 * The algorithms that a key of the type RSA-PSS (`openssl genpkey -algorithm RSA-PSS`) can sign. The key can restrict the hash and the
 * length of the salt (RFC 4055 section 3.1). Throws `invalid_key` if no algorithm is left.
 */
export function pssAlgorithmsOf({ asymmetricKeyDetails: details = {} }: KeyObject): readonly SigningAlgorithm[] {
  const { hashAlgorithm, mgf1HashAlgorithm, saltLength: minimalSalt = 0 } = details;
  const possible = ALGORITHMS.filter((alg) => {
    const { hash, bytes } = HASHES[alg];
    return (hashAlgorithm ?? hash) === hash && (mgf1HashAlgorithm ?? hash) === hash && minimalSalt <= bytes;
  });
  if (possible.length > 0) return possible;
  throw badKey(
    'it is an RSA-PSS key whose hash, MGF1 or salt length fits none of PS256, PS384 and PS512',
    'Create a key without these restrictions: openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out KEY.pem',
  );
}

export function isPssAlgorithm(alg: SigningAlgorithm): alg is PssAlgorithm {
  return alg in HASHES;
}

/** Signs by node itself: Web Crypto, and so jose, cannot import a key of this type. */
export function signPss(key: KeyObject, alg: PssAlgorithm, input: Uint8Array): Promise<Uint8Array> {
  const { hash, bytes } = HASHES[alg];
  const options = { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: bytes };
  return new Promise((resolve, reject) => {
    sign(hash, input, options, (error, signature) => (error ? reject(error) : resolve(signature)));
  });
}
