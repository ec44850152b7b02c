import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Burst } from './burst.ts';

beforeEach(() => {
  jest.useFakeTimers();
});

afterEach(() => {
  jest.useRealTimers();
});

async function letGo(burst: Burst, outstanding: () => number): Promise<{ atMs: number | undefined }> {
  const startMs = performance.now();
  const result: { atMs: number | undefined } = { atMs: undefined };
  void burst.over(outstanding).then(() => (result.atMs = performance.now() - startMs));
  await jest.advanceTimersByTimeAsync(0);
  return result;
}

describe('a burst', () => {
  it('is over at once where nothing is outstanding', async () => {
    const burst = new Burst();
    burst.arrived();
    expect((await letGo(burst, () => 0)).atMs).toBe(0);
  });

  it('is over for all when the last one arrives', async () => {
    const burst = new Burst();
    let left = 3;
    burst.arrived();
    const first = await letGo(burst, () => left);
    for (let n = 0; n < 3; n += 1) {
      await jest.advanceTimersByTimeAsync(50);
      expect(first.atMs).toBeUndefined();
      left -= 1;
      burst.arrived();
      await jest.advanceTimersByTimeAsync(0);
    }
    expect(first.atMs).toBe(150);
  });

  it('is over when it has been quiet for a quarter of a second, for those that were answered well never arrive', async () => {
    const burst = new Burst();
    burst.arrived();
    const first = await letGo(burst, () => 40);
    await jest.advanceTimersByTimeAsync(200);
    burst.arrived();
    await jest.advanceTimersByTimeAsync(249);
    expect(first.atMs).toBeUndefined();
    await jest.advanceTimersByTimeAsync(2);
    expect(first.atMs).toBeGreaterThanOrEqual(450);
  });

  it('is over after two seconds however many keep arriving', async () => {
    const burst = new Burst();
    burst.arrived();
    const first = await letGo(burst, () => 1);
    for (let n = 0; n < 25; n += 1) {
      await jest.advanceTimersByTimeAsync(100);
      burst.arrived();
    }
    expect(first.atMs).toBeGreaterThanOrEqual(1_990);
    expect(first.atMs).toBeLessThanOrEqual(2_100);
  });

  it('does not hold up the next one', async () => {
    const burst = new Burst();
    burst.arrived();
    await letGo(burst, () => 0);
    burst.arrived();
    expect((await letGo(burst, () => 0)).atMs).toBe(0);
  });
});
