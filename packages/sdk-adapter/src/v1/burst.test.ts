import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Outstanding } from '../shared/bearer-tokens.ts';
import { Burst } from './burst.ts';

beforeEach(() => {
  jest.useFakeTimers();
});

afterEach(() => {
  jest.useRealTimers();
});

/** Requests of which it is not known whether they are answered. */
const unknown = (count: number) => ({ unanswered: 0, unknown: count, lastAnswerMs: -Infinity });

async function waitForEnd(burst: Burst, outstanding: () => Outstanding): Promise<{ atMs: number | undefined }> {
  const startMs = performance.now();
  const result: { atMs: number | undefined } = { atMs: undefined };
  void burst.over(outstanding).then(() => (result.atMs = performance.now() - startMs));
  await jest.advanceTimersByTimeAsync(0);
  return result;
}

describe('a burst of refused calls', () => {
  it('ends at once if no request is outstanding', async () => {
    const burst = new Burst();
    burst.arrived();
    expect((await waitForEnd(burst, () => unknown(0))).atMs).toBe(0);
  });

  it('ends for all callers when the last 401 arrives', async () => {
    const burst = new Burst();
    let left = 3;
    burst.arrived();
    const first = await waitForEnd(burst, () => unknown(left));
    for (let n = 0; n < 3; n += 1) {
      await jest.advanceTimersByTimeAsync(50);
      expect(first.atMs).toBeUndefined();
      left -= 1;
      burst.arrived();
      await jest.advanceTimersByTimeAsync(0);
    }
    expect(first.atMs).toBe(150);
  });

  it('ends if no 401 has arrived for 250 ms, because successful requests are not reported', async () => {
    const burst = new Burst();
    burst.arrived();
    const first = await waitForEnd(burst, () => unknown(40));
    await jest.advanceTimersByTimeAsync(200);
    burst.arrived();
    await jest.advanceTimersByTimeAsync(249);
    expect(first.atMs).toBeUndefined();
    await jest.advanceTimersByTimeAsync(2);
    expect(first.atMs).toBeGreaterThanOrEqual(450);
  });

  it('ends after two seconds, also if more 401 responses arrive', async () => {
    const burst = new Burst();
    burst.arrived();
    const first = await waitForEnd(burst, () => unknown(1));
    for (let n = 0; n < 25; n += 1) {
      await jest.advanceTimersByTimeAsync(100);
      burst.arrived();
    }
    expect(first.atMs).toBeGreaterThanOrEqual(1_990);
    expect(first.atMs).toBeLessThanOrEqual(2_100);
  });

  it('waits for requests that are unanswered as long as one is answered in each second', async () => {
    const burst = new Burst();
    burst.arrived();
    let unanswered = 4;
    let lastAnswerMs = -Infinity;
    const first = await waitForEnd(burst, () => ({ unanswered, unknown: 0, lastAnswerMs }));
    for (; unanswered > 1; unanswered -= 1) {
      await jest.advanceTimersByTimeAsync(900);
      expect(first.atMs).toBeUndefined();
      lastAnswerMs = performance.now();
    }
    await jest.advanceTimersByTimeAsync(900);
    expect(first.atMs).toBeUndefined();
    unanswered = 0;
    await jest.advanceTimersByTimeAsync(20);
    expect(first.atMs).toBeGreaterThanOrEqual(3_600);
  });

  it('ends a second after the last answer if a request stays unanswered', async () => {
    const burst = new Burst();
    burst.arrived();
    const first = await waitForEnd(burst, () => ({ unanswered: 1, unknown: 0, lastAnswerMs: -Infinity }));
    await jest.advanceTimersByTimeAsync(980);
    expect(first.atMs).toBeUndefined();
    await jest.advanceTimersByTimeAsync(40);
    expect(first.atMs).toBeGreaterThanOrEqual(1_000);
  });

  it('does not delay the next burst', async () => {
    const burst = new Burst();
    burst.arrived();
    await waitForEnd(burst, () => unknown(0));
    burst.arrived();
    expect((await waitForEnd(burst, () => unknown(0))).atMs).toBe(0);
  });
});
