import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { withAcquisitionLimit } from './acquisition-limits.ts';

/** Acquisitions that end when the test says so. */
function acquisitions() {
  const open: (() => void)[] = [];
  let started = 0;
  return {
    started: () => started,
    acquire: async () => {
      started += 1;
      await new Promise<void>((resolve) => open.push(resolve));
      return started;
    },
    /** Ends the oldest acquisition, and waits until the next one has started. */
    endOne: async () => {
      open.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

const at = (issuer: string, max: number) => ({ server: 'mcp', issuer, max });

describe('withAcquisitionLimit', () => {
  afterEach(() => {
    jest.useRealTimers();
  });

  it('runs at most `max` acquisitions of one issuer at the same time, and the others in order', async () => {
    const { acquire, started, endOne } = acquisitions();
    const results = Array.from({ length: 5 }, async () => withAcquisitionLimit(at('https://as.example', 2), acquire));
    await new Promise((resolve) => setImmediate(resolve));
    expect(started()).toBe(2);
    for (const expected of [3, 4, 5, 5, 5]) {
      await endOne();
      expect(started()).toBe(expected);
    }
    await Promise.all(results);
  });

  it('does not delay the acquisitions of another issuer', async () => {
    const stuck = acquisitions();
    const waiting = Array.from({ length: 3 }, async () =>
      withAcquisitionLimit(at('https://dead.example', 1), stuck.acquire),
    );
    await expect(withAcquisitionLimit(at('https://as.example', 1), async () => 'token')).resolves.toBe('token');
    for (const _ of waiting) await stuck.endOne();
    await Promise.all(waiting);
  });

  it('starts the next acquisition after one that fails', async () => {
    const failing = withAcquisitionLimit(at('https://as.example', 1), async () => Promise.reject(new Error('refused')));
    const next = withAcquisitionLimit(at('https://as.example', 1), async () => 'token');
    await expect(failing).rejects.toThrow('refused');
    await expect(next).resolves.toBe('token');
  });

  it('throws a retryable timeout that names the option after two minutes of waiting', async () => {
    jest.useFakeTimers();
    const { acquire, endOne } = acquisitions();
    const first = withAcquisitionLimit(at('https://as.example', 1), acquire);
    const second = withAcquisitionLimit(at('https://as.example', 1), acquire);
    const refused = expect(second).rejects.toMatchObject({
      code: 'timeout',
      contact: 'you',
      server: 'mcp',
      retryable: true,
      remedy: expect.stringContaining('limits.concurrentAcquisitions'),
    });
    await jest.advanceTimersByTimeAsync(120_000);
    await refused;
    jest.useRealTimers();
    await endOne();
    await first;
  });
});
