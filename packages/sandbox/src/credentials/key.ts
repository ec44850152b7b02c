import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, exportPKCS8, generateKeyPair, type JWK } from 'jose';
import { invalidConfiguration } from '../invalid-configuration.ts';

interface Key {
  /** PKCS#8 PEM. */
  privateKey: string;
  keyId: string;
  publicJwk: JWK;
}

export async function newKey(keyId?: string): Promise<Key> {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  const publicJwk = await exportJWK(publicKey);
  const kid = keyId ?? (await calculateJwkThumbprint(publicJwk));
  return {
    privateKey: await exportPKCS8(privateKey),
    keyId: kid,
    publicJwk: { ...publicJwk, kid, alg: 'ES256', use: 'sig' },
  };
}

/** @throws CredenceError `invalid_configuration` that names the principal, and does not contain the key. */
export async function givenKey(principal: string, given: string | JWK, keyId?: string): Promise<Key> {
  const key = read(principal, given);
  if (!isSupported(key)) {
    throw invalidConfiguration(
      `The private key of the principal "${principal}" is neither an RSA, a P-256 nor an Ed25519 key.`,
      'Use one of these kinds, or leave privateKey out.',
    );
  }
  const publicJwk = await exportJWK(createPublicKey(key));
  const kid = keyId ?? (typeof given === 'string' ? undefined : given.kid) ?? (await calculateJwkThumbprint(publicJwk));
  return {
    privateKey: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    keyId: kid,
    // no `alg`: an RSA key can sign with RS256 and with PS256
    publicJwk: { ...publicJwk, kid, use: 'sig' },
  };
}

function read(principal: string, given: string | JWK): KeyObject {
  try {
    return createPrivateKey(typeof given === 'string' ? given : { key: { ...given }, format: 'jwk' });
  } catch {
    // the error of the library can contain a part of the key
    throw invalidConfiguration(
      `The private key of the principal "${principal}" cannot be read.`,
      'Give an unencrypted private key as PEM or as JWK.',
    );
  }
}

function isSupported({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean {
  if (asymmetricKeyType === 'ec') return asymmetricKeyDetails?.namedCurve === 'prime256v1';
  return asymmetricKeyType === 'rsa' || asymmetricKeyType === 'ed25519';
}
