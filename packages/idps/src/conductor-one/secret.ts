import { createPrivateKey, createPublicKey } from 'node:crypto';
import type { CredenceError } from '@credence/core';
import { parseJsonObject } from '@credence/protocol';
import { invalid } from '../errors.ts';

const SCHEME = 'secret-token:';
const PREFIX = `${SCHEME}conductorone.com:v1:`;

/** An Ed25519 private key (RFC 8037 section 2). */
export interface Ed25519PrivateJwk {
  readonly [member: string]: unknown;
  readonly kty: 'OKP';
  readonly crv: 'Ed25519';
  readonly x: string;
  readonly d: string;
}

/**
 * The key in a client secret of C1: `secret-token:conductorone.com:v1:` and the base64url of a JWK. Throws `invalid_configuration`; the
 * message contains nothing of the secret.
 */
export function keyOfSecret(where: string, secret: string): Ed25519PrivateJwk {
  const wrong = (why: string) => wrongSecret(where, why);
  checkPrefix(where, secret);
  const encoded = secret.slice(PREFIX.length);
  if (!/^[\w-]+=*$/u.test(encoded)) throw wrong('has characters that are not base64url after the prefix');
  const jwk = parseJsonObject(Buffer.from(encoded, 'base64url').toString('utf8'));
  if (!jwk) throw wrong('is incomplete or was changed: what follows the prefix is not a JWK');
  const { kty, crv, x, d } = jwk;
  if (kty !== 'OKP' || crv !== 'Ed25519') throw wrong('contains a key that is not an Ed25519 key');
  if (typeof d !== 'string' || d === '') throw wrong('contains no private key');
  if (typeof x !== 'string' || !isPair(x, d))
    throw wrong('was changed: the two halves of its key do not belong together');
  return { kty, crv, x, d };
}

/** Throws `invalid_configuration` if the secret is not one of C1. */
export function checkPrefix(where: string, secret: string): void {
  if (!secret.startsWith(SCHEME)) {
    const isClientId = /^[\w.-]+@[\w.:-]+\/[a-z]+$/iu.test(secret);
    throw wrongSecret(where, isClientId ? 'is the client id and not the secret' : `does not begin with "${SCHEME}"`);
  }
  if (!secret.startsWith(PREFIX)) throw wrongSecret(where, 'is not a secret of C1, or of a version other than v1');
}

function wrongSecret(where: string, why: string): CredenceError {
  return invalid(
    `${where} ${why}.`,
    `Copy the whole secret, which begins with "${PREFIX}"; C1 shows it once, so create another credential if it is lost.`,
  );
}

function isPair(x: string, d: string): boolean {
  try {
    const key = createPrivateKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x, d } });
    return createPublicKey(key).export({ format: 'jwk' }).x === x.replace(/=+$/u, '');
  } catch {
    return false;
  }
}
