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
    ['base64 with a line end, as a file has it', `${key.toString('base64')}\n`],
  ])('takes 32 random bytes as %s', (_form, given) => {
    expect(Buffer.from(keyBytes(given, 'encryptionKey')).equals(key)).toBe(true);
  });

  it('takes a thousand random keys', () => {
    for (let at = 0; at < 1_000; at += 1) expect(() => keyBytes(randomBytes(32), 'encryptionKey')).not.toThrow();
  });

  it('does not change when the caller wipes what it gave', () => {
    const given = Buffer.from(key);
    const bytes = keyBytes(given, 'encryptionKey');
    given.fill(0);
    expect(Buffer.from(bytes).equals(key)).toBe(true);
  });

  it.each([
    ['16 bytes', randomBytes(16)],
    ['33 bytes', randomBytes(33)],
    ['nothing', ''],
    ['base64 of 31 bytes', randomBytes(31).toString('base64')],
    ['a short passphrase', 'correct horse battery staple'],
    ['a word that means no encryption', 'none'],
    ['zeros', Buffer.alloc(32)],
    ['one byte repeated', Buffer.alloc(32, 0xa7)],
    ['counting bytes', Buffer.from(Array.from({ length: 32 }, (_value, at) => at + 200))],
    ['few values', Buffer.from('a71f03c9'.repeat(8), 'hex')],
    ['zeros in hex', '0'.repeat(64)],
    ['a passphrase of 32 letters', Buffer.from('Hq2!kWc9zr8Lm3Xp7TbY5nVd1sGf4jA6')],
    ['a passphrase of 43 letters', Buffer.from('Hq2!kWc9zr8Lm3Xp7TbY5nVd1sGf4jA6').toString('base64')],
  ])('refuses %s, without showing it', (_what, given) => {
    let thrown: unknown;
    try {
      keyBytes(given, 'encryptionKey.previous[0]');
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ name: 'CredenceError', code: 'invalid_key', leg: 'configure', contact: 'you' });
    const said = JSON.stringify(thrown);
    expect(said).toContain('encryptionKey.previous[0]');
    if (typeof given === 'string' && given.length > 4) expect(said).not.toContain(given);
  });
});
