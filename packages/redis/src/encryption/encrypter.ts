import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

const VERSION = 1;
const KEY_ID_BYTES = 8;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEAD_BYTES = 1 + KEY_ID_BYTES;
const CIPHER = 'aes-256-gcm';

/** Why an encrypted text cannot be decrypted. */
export type Unreadable = 'unknown-key' | 'damaged';
export type Decrypted = { readonly text: string } | { readonly unreadable: Unreadable };

interface Key {
  readonly id: Buffer;
  readonly bytes: Uint8Array;
}

/**
 * Encrypts and authenticates a text under a name with AES-256-GCM (NIST SP 800-38D). Decrypts texts that were encrypted under
 * the same name with any of its keys. An encrypted text is base64url of: version (1 byte), key id (8), nonce (12, random),
 * ciphertext, tag (16). Version, key id and name are authenticated, so an encrypted text cannot be decrypted under another name.
 * Each name has its own key, derived by HKDF (RFC 5869): the limit on random nonces for one AES-GCM key then applies to the texts
 * of one name, not to all texts of all processes.
 */
export class Encrypter {
  readonly #current: Key;
  readonly #keys: readonly Key[];

  /** Encrypts with the first key, and decrypts with any of the keys. */
  constructor(keys: readonly [Uint8Array, ...Uint8Array[]]) {
    const [current, ...others] = keys;
    this.#current = keyOf(current);
    this.#keys = [this.#current, ...others.map(keyOf)];
  }

  /** The first 12 characters of every encrypted text, for each key: version and key id. */
  get heads(): readonly string[] {
    return this.#keys.map(({ id }) => Buffer.concat([Buffer.of(VERSION), id]).toString('base64url'));
  }

  encrypt(name: string, text: string): string {
    const head = Buffer.concat([Buffer.of(VERSION), this.#current.id]);
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, derived(this.#current.bytes, `value ${name}`, 32), nonce);
    cipher.setAAD(Buffer.concat([head, Buffer.from(name)]));
    const ciphertext = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([head, nonce, ciphertext, cipher.getAuthTag()]).toString('base64url');
  }

  decrypt(name: string, encrypted: string): Decrypted {
    const bytes = Buffer.from(encrypted, 'base64url');
    if (bytes.length < HEAD_BYTES + NONCE_BYTES + TAG_BYTES || bytes[0] !== VERSION) return { unreadable: 'damaged' };
    const head = bytes.subarray(0, HEAD_BYTES);
    const key = this.#keys.find(({ id }) => id.equals(head.subarray(1)));
    if (!key) return { unreadable: 'unknown-key' };
    const nonce = bytes.subarray(HEAD_BYTES, HEAD_BYTES + NONCE_BYTES);
    const ciphertext = bytes.subarray(HEAD_BYTES + NONCE_BYTES, -TAG_BYTES);
    try {
      const decipher = createDecipheriv(CIPHER, derived(key.bytes, `value ${name}`, 32), nonce, {
        authTagLength: TAG_BYTES,
      });
      decipher.setAAD(Buffer.concat([head, Buffer.from(name)]));
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
      return { text: Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString('utf8') };
    } catch {
      return { unreadable: 'damaged' };
    }
  }
}

/** A key with its id. The id is derived from the key by HKDF, so the id reveals nothing about the key. */
function keyOf(bytes: Uint8Array): Key {
  return { id: derived(bytes, 'key id', KEY_ID_BYTES), bytes };
}

function derived(key: Uint8Array, purpose: string, length: number): Buffer {
  return Buffer.from(hkdfSync('sha256', key, '', `@credence/redis 1 ${purpose}`, length));
}
