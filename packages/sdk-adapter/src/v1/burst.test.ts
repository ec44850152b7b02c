import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Burst } from './burst.ts';

beforeEach(() => {
  jest.useFakeTimers();
});

afterEach(() => {
  jest.useRealTimers();
});

async function waitForEnd(burst: Burst, outstanding: () => number): Promise<{ atMs: number | undefined }> {
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
    expect((await waitForEnd(burst, () => 0)).atMs).toBe(0);
  });

  it('ends for all callers when the last 401 arrives', async () => {
    const burst = new Burst();
    let left = 3;
    burst.arrived();
    const first = await waitForEnd(burst, () => left);
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
    const first = await waitForEnd(burst, () => 40);
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
    const first = await waitForEnd(burst, () => 1);
    for (let n = 0; n < 25; n += 1) {
      await jest.advanceTimersByTimeAsync(100);
      burst.arrived();
    }
    expect(first.atMs).toBeGreaterThanOrEqual(1_990);
    expect(first.atMs).toBeLessThanOrEqual(2_100);
  });

  it('does not delay the next burst', async () => {
    const burst = new Burst();
    burst.arrived();
    await waitForEnd(burst, () => 0);
    burst.arrived();
    expect((await waitForEnd(burst, () => 0)).atMs).toBe(0);
  });
});
