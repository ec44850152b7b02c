import { expect, it } from '@jest/globals';
import { tokenHash } from './token-hash.ts';

it('tokenHash returns 16 characters that differ between two tokens', () => {
  expect(tokenHash('token')).toMatch(/^[\w-]{16}$/u);
  expect(tokenHash('token')).not.toBe(tokenHash('tokem'));
});
