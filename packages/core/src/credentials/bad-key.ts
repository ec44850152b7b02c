import { CredenceError } from '../errors/credence-error.ts';

/** The command that makes a key that every issuer of this profile can use. */
export const MAKE_A_KEY = 'openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out KEY.pem';

export function badKey(why: string, remedy: string, cause?: unknown): CredenceError {
  return new CredenceError({
    code: 'invalid_key',
    leg: 'configure',
    message: `The key of privateKeyJwt cannot be used: ${why}.`,
    remedy,
    contact: 'you',
    cause,
  });
}

export function encryptedKey(): CredenceError {
  return badKey(
    'it is encrypted, and a passphrase is not supported',
    'Decrypt it (openssl pkey -in KEY.pem -out PLAIN.pem), or give a CryptoKey or a signer function.',
  );
}

export function unsupportedType(what: string): CredenceError {
  return badKey(
    `its type or curve cannot sign a client assertion: it is ${what}`,
    `Use RSA, P-256, P-384, P-521 or Ed25519: ${MAKE_A_KEY}`,
  );
}
