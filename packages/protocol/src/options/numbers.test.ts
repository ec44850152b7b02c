import { describe, expect, it } from '@jest/globals';
import { checkNumber } from './numbers.ts';

describe('checkNumber', () => {
  it.each([undefined, 0, 0.5, 300])('accepts %p', (value) => {
    expect(() => checkNumber('verify', 'toleranceSeconds', value)).not.toThrow();
  });

  it.each([Number.NaN, -1, Infinity, '5', null, Number('unset')])('refuses %p', (value) => {
    expect(() => checkNumber('verify', 'toleranceSeconds', value)).toThrow(
      'verify: toleranceSeconds is not a number of 0 or more',
    );
  });

  it('refuses a number outside the given bounds', () => {
    const bounds = { min: 1, max: 10, integer: true };
    expect(() => checkNumber('store', 'entries', 10, bounds)).not.toThrow();
    for (const value of [0, 11, 1.5]) {
      expect(() => checkNumber('store', 'entries', value, bounds)).toThrow(
        'store: entries is not a whole number of 1 to 10',
      );
    }
  });
});
