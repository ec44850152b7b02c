import { CredenceError } from '@credence/core';

/** 32 random bytes: as they are, in base64 (either alphabet, padded or not) or in hex. */
export type EncryptionKey = Uint8Array | string;

const KEY_BYTES = 32;
/** 32 random bytes have fewer different values than this about once in 10^15 keys. */
const FEWEST_DIFFERENT = 16;

/** The key's bytes. Throws `CredenceError` of leg `configure` that names the option and shows nothing of the key. */
export function keyBytes(key: EncryptionKey, option: string): Uint8Array {
  const bytes = typeof key === 'string' ? decoded(key.trim()) : new Uint8Array(key);
  if (bytes?.length !== KEY_BYTES) {
    throw unfit(`${option} is not 32 bytes, as bytes or written in base64 or hex.`);
  }
  if (isGuessable(bytes)) throw unfit(`${option} is not random: it looks like a passphrase or a pattern.`);
  return bytes;
}

function decoded(text: string): Uint8Array | undefined {
  if (/^[\da-f]{64}$/iu.test(text)) return Buffer.from(text, 'hex');
  return /^[\w+/-]{43}=?$/u.test(text) ? Buffer.from(text, 'base64') : undefined;
}

function isGuessable(bytes: Uint8Array): boolean {
  const printable = bytes.every((byte) => byte >= 0x20 && byte < 0x7f);
  const steps = new Set(bytes.map((byte, at) => byte - (bytes[at - 1] ?? 0)).slice(1));
  return printable || steps.size < FEWEST_DIFFERENT / 2 || new Set(bytes).size < FEWEST_DIFFERENT;
}

function unfit(message: string): CredenceError {
  return new CredenceError({
    code: 'invalid_key',
    leg: 'configure',
    message,
    remedy: 'Make one with "openssl rand -base64 32" and keep it with your other secrets.',
    contact: 'you',
  });
}
