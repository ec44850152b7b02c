import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { keyBytes } from './encryption-key.ts';

describe('keyBytes', () => {
  const key = randomBytes(32);

  it.each([
    ['bytes', new Uint8Array(key)],
    ['a Buffer', key],
    ['base64', key.toString('base64')],
    ['base64 without padding', key.toString('base64').replace('=', '')],
    ['base64url', key.toString('base64url')],
    ['hex', key.toString('hex')],
    ['HEX', key.toString('hex').toUpperCase()],
    ['base64 with a line end, as read from a file', `${key.toString('base64')}\n`],
  ])('accepts 32 random bytes as %s', (_form, given) => {
    expect(Buffer.from(keyBytes(given, 'encryptionKey')).equals(key)).toBe(true);
  });

  it('accepts each of a thousand random keys', () => {
    for (let at = 0; at < 1_000; at += 1) expect(() => keyBytes(randomBytes(32), 'encryptionKey')).not.toThrow();
  });

  it('returns a copy that does not change when the caller overwrites its own bytes', () => {
    const given = Buffer.from(key);
    const bytes = keyBytes(given, 'encryptionKey');
    given.fill(0);
    expect(Buffer.from(bytes).equals(key)).toBe(true);
  });

  it.each([
    ['16 bytes', randomBytes(16)],
    ['33 bytes', randomBytes(33)],
    ['an empty string', ''],
    ['base64 of 31 bytes', randomBytes(31).toString('base64')],
    ['a short passphrase', 'correct horse battery staple'],
    ['a word that means no encryption', 'none'],
    ['zeros', Buffer.alloc(32)],
    ['one byte repeated', Buffer.alloc(32, 0xa7)],
    ['counting bytes', Buffer.from(Array.from({ length: 32 }, (_value, at) => at + 200))],
    ['four bytes repeated', Buffer.from('a71f03c9'.repeat(8), 'hex')],
    ['zeros in hex', '0'.repeat(64)],
    ['a passphrase of 32 letters', Buffer.from('Hq2!kWc9zr8Lm3Xp7TbY5nVd1sGf4jA6')],
    ['a passphrase of 43 letters', Buffer.from('Hq2!kWc9zr8Lm3Xp7TbY5nVd1sGf4jA6').toString('base64')],
  ])('refuses %s, and the error does not contain the key', (_what, given) => {
    let thrown: unknown;
    try {
      keyBytes(given, 'encryptionKey.previous[0]');
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ name: 'CredenceError', code: 'invalid_key', leg: 'configure', contact: 'you' });
    const json = JSON.stringify(thrown);
    expect(json).toContain('encryptionKey.previous[0]');
    if (typeof given === 'string' && given.length > 4) expect(json).not.toContain(given);
  });
});
