import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { Encrypter } from './encrypter.ts';

const key = randomBytes(32);
const encrypter = new Encrypter([key]);

describe('Encrypter', () => {
  it.each(['', 'a', '{"value":"eyJ.token"}', 'größer – 日本語 😀', 'x'.repeat(100_000)])(
    'decrypts a text that it encrypted (%#)',
    (text) => {
      expect(encrypter.decrypt('name', encrypter.encrypt('name', text))).toEqual({ text });
    },
  );

  it('does not contain the text in an encrypted value, and encrypts the same text differently each time', () => {
    const encrypted = Array.from({ length: 100 }, () => encrypter.encrypt('name', 'token-token-token'));
    expect(new Set(encrypted).size).toBe(100);
    for (const one of encrypted) expect(Buffer.from(one, 'base64url').toString('latin1')).not.toContain('token');
  });

  it('does not decrypt a value under another name', () => {
    expect(encrypter.decrypt('other', encrypter.encrypt('name', 'text'))).toEqual({ unreadable: 'damaged' });
  });

  it('does not decrypt a value in which any one byte was changed', () => {
    const bytes = Buffer.from(encrypter.encrypt('name', 'text'), 'base64url');
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
      expect(encrypter.decrypt('name', changed.toString('base64url'))).toHaveProperty('unreadable');
    }
  });

  it('does not decrypt a truncated value, or a text that it did not encrypt', () => {
    const bytes = Buffer.from(encrypter.encrypt('name', 'text'), 'base64url');
    for (let length = 0; length < bytes.length; length += 1) {
      expect(encrypter.decrypt('name', bytes.subarray(0, length).toString('base64url'))).toHaveProperty('unreadable');
    }
    for (const other of ['', '{"v":1,"value":"eyJ"}', '\u0000', 'é'.repeat(60)]) {
      expect(encrypter.decrypt('name', other)).toHaveProperty('unreadable');
    }
  });

  it('decrypts values of all its keys, encrypts with the first key, and reports a value of a key that it does not have', () => {
    const next = randomBytes(32);
    const before = new Encrypter([key, next]);
    const after = new Encrypter([next, key]);
    const done = new Encrypter([next]);
    const old = before.encrypt('name', 'old');
    const fresh = after.encrypt('name', 'new');
    expect(after.decrypt('name', old)).toEqual({ text: 'old' });
    expect(before.decrypt('name', fresh)).toEqual({ text: 'new' });
    expect(done.decrypt('name', fresh)).toEqual({ text: 'new' });
    expect(done.decrypt('name', old)).toEqual({ unreadable: 'unknown-key' });
  });

  it('does not contain any part of the key in an encrypted value', () => {
    const encrypted = Buffer.from(encrypter.encrypt('name', 'text'), 'base64url');
    for (let at = 0; at + 4 <= key.length; at += 1) expect(encrypted.includes(key.subarray(at, at + 4))).toBe(false);
  });
});
