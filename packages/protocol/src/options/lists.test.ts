import { describe, expect, it } from '@jest/globals';
import { checkList } from './lists.ts';

describe('checkList', () => {
  it.each([undefined, ['a'], ['a', 'b']])('accepts %j', (value) => {
    expect(() => checkList('verify', 'algorithms', value)).not.toThrow();
  });

  it.each<[unknown, string]>([
    ['ES256', 'verify: algorithms is not a list of strings'],
    [null, 'verify: algorithms is not a list of strings'],
    [['a', 7], 'verify: algorithms is not a list of strings'],
    [new Set(['a']), 'verify: algorithms is not a list of strings'],
    [[], 'verify: algorithms is empty'],
  ])('refuses %j', (value, message) => {
    expect(() => checkList('verify', 'algorithms', value)).toThrow(message);
  });
});
