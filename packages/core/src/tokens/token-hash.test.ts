import { expect, it } from '@jest/globals';
import { tokenHash } from './token-hash.ts';

it('a token is named by a hash that says nothing of it', () => {
  expect(tokenHash('token')).toMatch(/^[\w-]{16}$/u);
  expect(tokenHash('token')).not.toBe(tokenHash('tokem'));
});
