import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { isError } from './is-error.ts';

class Own extends Error {}

describe('isError', () => {
  it.each<[string, unknown]>([
    ['an Error', new Error('x')],
    ['an error of a class', new Own('x')],
    ['an Error of another realm', runInNewContext("new TypeError('x')")],
    ['the reason of a signal', AbortSignal.abort().reason],
  ])('is true for %s', (_what, value) => {
    expect(isError(value)).toBe(true);
  });

  it.each([undefined, null, 'Error', { name: 'Error', message: 'x' }, Error])('is false for %p', (value) => {
    expect(isError(value)).toBe(false);
  });
});
