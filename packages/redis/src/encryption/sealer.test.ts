import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { Sealer } from './sealer.ts';

const key = randomBytes(32);
const sealer = new Sealer([key]);

describe('Sealer', () => {
  it.each(['', 'a', '{"value":"eyJ.token"}', 'größer – 日本語 😀', 'x'.repeat(100_000)])(
    'opens a text that it sealed (%#)',
    (text) => {
      expect(sealer.open('name', sealer.seal('name', text))).toEqual({ text });
    },
  );

  it('does not contain the text in a sealed value, and seals the same text differently each time', () => {
    const sealed = Array.from({ length: 100 }, () => sealer.seal('name', 'token-token-token'));
    expect(new Set(sealed).size).toBe(100);
    for (const one of sealed) expect(Buffer.from(one, 'base64url').toString('latin1')).not.toContain('token');
  });

  it('does not open a value under another name', () => {
    expect(sealer.open('other', sealer.seal('name', 'text'))).toEqual({ unreadable: 'damaged' });
  });

  it('does not open a value in which any one byte was changed', () => {
    const bytes = Buffer.from(sealer.seal('name', 'text'), 'base64url');
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
      expect(sealer.open('name', changed.toString('base64url'))).toHaveProperty('unreadable');
    }
  });

  it('does not open a truncated value, or a text that it did not seal', () => {
    const bytes = Buffer.from(sealer.seal('name', 'text'), 'base64url');
    for (let length = 0; length < bytes.length; length += 1) {
      expect(sealer.open('name', bytes.subarray(0, length).toString('base64url'))).toHaveProperty('unreadable');
    }
    for (const other of ['', '{"v":1,"value":"eyJ"}', '\u0000', 'é'.repeat(60)]) {
      expect(sealer.open('name', other)).toHaveProperty('unreadable');
    }
  });

  it('opens values of all its keys, seals with the first, and reports a key that it does not have', () => {
    const next = randomBytes(32);
    const before = new Sealer([key, next]);
    const after = new Sealer([next, key]);
    const done = new Sealer([next]);
    const old = before.seal('name', 'old');
    const fresh = after.seal('name', 'new');
    expect(after.open('name', old)).toEqual({ text: 'old' });
    expect(before.open('name', fresh)).toEqual({ text: 'new' });
    expect(done.open('name', fresh)).toEqual({ text: 'new' });
    expect(done.open('name', old)).toEqual({ unreadable: 'unknown-key' });
  });

  it('does not contain any part of the key in a sealed value', () => {
    const sealed = Buffer.from(sealer.seal('name', 'text'), 'base64url');
    for (let at = 0; at + 4 <= key.length; at += 1) expect(sealed.includes(key.subarray(at, at + 4))).toBe(false);
  });
});
