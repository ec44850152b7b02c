import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ConcurrencyLimiter } from './turns.ts';

describe('ConcurrencyLimiter', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  it('starts two tasks at once and the others in order, and refuses a task that waits too long', async () => {
    const limiter = new ConcurrencyLimiter({ atOnce: 2, waitMs: 1000 });
    const results: string[] = [];
    const acquire = (name: string) =>
      limiter.acquire().then((mayStart) => results.push(mayStart ? `${name} started` : `${name} timed out`));
    for (const name of ['a', 'b', 'c']) void acquire(name);
    await jest.advanceTimersByTimeAsync(500);
    for (const name of ['d', 'e']) void acquire(name);
    limiter.release();
    await jest.advanceTimersByTimeAsync(499);
    expect(results).toEqual(['a started', 'b started', 'c started']);
    void acquire('f');
    await jest.advanceTimersByTimeAsync(501);
    expect(results).toEqual(['a started', 'b started', 'c started', 'd timed out', 'e timed out']);
    limiter.release();
    await jest.advanceTimersByTimeAsync(0);
    expect(results.at(-1)).toBe('f started');
    for (let released = 0; released < 2; released += 1) limiter.release();
    await expect(Promise.all([limiter.acquire(), limiter.acquire()])).resolves.toEqual([true, true]);
    expect(jest.getTimerCount()).toBe(0);
  });
});
