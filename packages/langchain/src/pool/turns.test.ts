import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Turns } from './turns.ts';

afterEach(() => {
  jest.useRealTimers();
});

/** Work that ends when the test says so. */
function works(turns: Turns, count: number, signals: readonly AbortSignal[] = []) {
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const all = Array.from({ length: count }, async (_, index) =>
    turns.run(async () => {
      begun.push(index);
      await new Promise<void>((resolve) => (ends[index] = resolve));
    }, signals[index] ?? new AbortController().signal),
  );
  return { begun, end: async (index: number) => (ends[index]?.(), all[index]), all };
}

describe('turns', () => {
  it('are taken by 50 at the same time, and passed on in the order of the first use', async () => {
    const { begun, end } = works(new Turns(), 250);
    expect(begun).toHaveLength(50);
    await end(7);
    await end(3);
    expect(begun.slice(50)).toEqual([50, 51]);
    for (let index = 0; index < 250; index += 1) await end(index);
    expect(begun).toHaveLength(250);
  });

  it('are passed on after a second by work that does not end, and only once', async () => {
    jest.useFakeTimers();
    const { begun, end } = works(new Turns(), 250);
    await jest.advanceTimersByTimeAsync(999);
    expect(begun).toHaveLength(50);
    await jest.advanceTimersByTimeAsync(1);
    expect(begun).toHaveLength(100);
    // Their turns are over already.
    for (let index = 0; index < 50; index += 1) await end(index);
    expect(begun).toHaveLength(100);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(begun).toHaveLength(150);
  });

  it('are passed on by work that fails, and leave no timer', async () => {
    jest.useFakeTimers();
    const turns = new Turns();
    const failing = Array.from({ length: 300 }, async () =>
      turns.run(async () => Promise.reject(new Error('down')), new AbortController().signal),
    );
    const outcomes = await Promise.allSettled(failing);
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
    expect(jest.getTimerCount()).toBe(0);
    expect(works(turns, 300).begun).toHaveLength(50);
  });

  it('are not waited for after an abort, and those of the others are not lost', async () => {
    const aborts = Array.from({ length: 52 }, () => new AbortController());
    const { begun, end, all } = works(
      new Turns(),
      52,
      aborts.map(({ signal }) => signal),
    );
    const reason = new Error('closed');
    aborts[50]?.abort(reason);
    await expect(all[50]).rejects.toBe(reason);
    // Work that has begun is not ended.
    aborts[0]?.abort(reason);
    await end(0);
    expect(begun.slice(50)).toEqual([51]);
  });
});
