import { CredenceError } from '@credence/core';

/** 32 random bytes: as bytes, as base64 or base64url (padded or not), or as hex. */
export type EncryptionKey = Uint8Array | string;

const KEY_BYTES = 32;
/** About one in 10^15 random keys of 32 bytes has fewer distinct byte values than this. */
const MIN_DISTINCT_BYTES = 16;

/** Returns the key's bytes. Throws a `CredenceError` of leg `configure` that names the option and contains nothing of the key. */
export function keyBytes(key: EncryptionKey, option: string): Uint8Array {
  const bytes = typeof key === 'string' ? decoded(key.trim()) : new Uint8Array(key);
  if (bytes?.length !== KEY_BYTES) {
    throw invalidKey(`${option} must be 32 bytes, given as bytes or in base64 or hex.`);
  }
  if (isGuessable(bytes)) throw invalidKey(`${option} is not random: it looks like a passphrase or a pattern.`);
  return bytes;
}

function decoded(text: string): Uint8Array | undefined {
  if (/^[\da-f]{64}$/iu.test(text)) return Buffer.from(text, 'hex');
  return /^[\w+/-]{43}=?$/u.test(text) ? Buffer.from(text, 'base64') : undefined;
}

function isGuessable(bytes: Uint8Array): boolean {
  const printable = bytes.every((byte) => byte >= 0x20 && byte < 0x7f);
  const steps = new Set(bytes.map((byte, at) => byte - (bytes[at - 1] ?? 0)).slice(1));
  return printable || steps.size < MIN_DISTINCT_BYTES / 2 || new Set(bytes).size < MIN_DISTINCT_BYTES;
}

function invalidKey(message: string): CredenceError {
  return new CredenceError({
    code: 'invalid_key',
    leg: 'configure',
    message,
    remedy: 'Make a key with "openssl rand -base64 32" and keep it with your other secrets.',
    contact: 'you',
  });
}
