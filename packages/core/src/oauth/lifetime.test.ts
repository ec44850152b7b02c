import { expect, it } from '@jest/globals';
import { lifetimeSeconds } from './lifetime.ts';

it.each([
  [3600, 3600],
  ['3600', 3600],
  [' 3600 ', 3600],
  ['299.5', 299.5],
  [0, 0],
  ['0', 0],
  [0.5, 0.5],
  [1e99, 31_536_000],
  ['999999999999', 31_536_000],
  ['abc', undefined],
  ['1h', undefined],
  ['', undefined],
  ['-1', undefined],
  ['1e9', undefined],
  ['0x10', undefined],
  [-1, undefined],
  [null, undefined],
  [undefined, undefined],
  [true, undefined],
  [{}, undefined],
  [[60], undefined],
  [Number.NaN, undefined],
  [Number.POSITIVE_INFINITY, undefined],
])('lifetimeSeconds returns for expires_in %p: %p', (value, seconds) => {
  expect(lifetimeSeconds(value)).toBe(seconds);
});
