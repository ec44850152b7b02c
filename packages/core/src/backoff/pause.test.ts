import { describe, expect, it } from '@jest/globals';
import { pauseAfterRefusals, retryAfterMs } from './pause.ts';

describe('pauseAfterRefusals', () => {
  it('is a second at first, doubles with each refusal, and is at most five minutes', () => {
    const pauses = Array.from({ length: 12 }, (_, index) => pauseAfterRefusals(index + 1, 0) / 1_000);
    expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
    expect(pauseAfterRefusals(1e9, 0)).toBe(300_000);
  });

  it('is shortened by a random part, up to a quarter', () => {
    expect(pauseAfterRefusals(1, 0.5)).toBe(875);
    expect(pauseAfterRefusals(20, 0.999_999)).toBeGreaterThanOrEqual(225_000);
  });
});

describe('retryAfterMs', () => {
  it.each([
    [undefined, undefined],
    [0, 1_000],
    [30, 30_000],
    [300, 300_000],
    [1e9, 300_000],
  ])('of Retry-After %s is %s ms', (retryAfterSeconds, expected) => {
    expect(retryAfterMs({ retryAfterSeconds })).toBe(expected);
  });
});
