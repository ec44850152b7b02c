import { createPrivateKey, createPublicKey, type JsonWebKey, KeyObject } from 'node:crypto';
import type { FakeKey } from './options.ts';
import { invalid } from './check.ts';

/** The two keys of a client. Without a private key, the fake can check the client but not act for it. */
export interface ClientKeys {
  /** Verifies the client assertions. */
  readonly publicKey: KeyObject;
  /** The private key, if the configured key was one. */
  readonly privateKey?: KeyObject | undefined;
}

/** Reads a configured key. Throws a CredenceError that names `option` if it is no key. */
export function clientKeys(key: FakeKey, option: string): ClientKeys {
  try {
    const privateKey = privateKeyOf(key);
    if (privateKey !== undefined) return { privateKey, publicKey: createPublicKey(privateKey) };
    if (typeof key === 'string') return { publicKey: createPublicKey(key) };
    if (isKeyObject(key)) return { publicKey: key };
    if ('algorithm' in key) return { publicKey: KeyObject.from(key) };
    return { publicKey: createPublicKey({ key: key as JsonWebKey, format: 'jwk' }) };
  } catch {
    // The library's message can contain parts of the key.
    throw invalid(`${option} is not a PEM, JWK, KeyObject or CryptoKey`);
  }
}

function privateKeyOf(key: FakeKey): KeyObject | undefined {
  if (typeof key === 'string') return key.includes('PRIVATE KEY') ? createPrivateKey(key) : undefined;
  if (isKeyObject(key)) return key.type === 'private' ? key : undefined;
  if ('algorithm' in key) {
    const object = KeyObject.from(key);
    return object.type === 'private' ? object : undefined;
  }
  return 'd' in key ? createPrivateKey({ key: key as JsonWebKey, format: 'jwk' }) : undefined;
}

function isKeyObject(key: Exclude<FakeKey, string>): key is KeyObject {
  return Object.prototype.toString.call(key) === '[object KeyObject]';
}
