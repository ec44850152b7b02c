import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { concurrencyLimiter } from './concurrency-limiter.ts';

describe('concurrencyLimiter', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  function setUp() {
    const run = concurrencyLimiter({ maxConcurrent: 2, maxWaitMs: 1000 });
    const started: string[] = [];
    const ended: string[] = [];
    const finish = new Map<string, () => void>();
    const start = (name: string) => {
      const work = () => {
        started.push(name);
        return new Promise<string>((resolve) => finish.set(name, () => resolve(name)));
      };
      run(work, () => new Error(`${name} timed out`)).then(
        (value) => ended.push(value),
        (error: unknown) => ended.push(error instanceof Error ? error.message : 'no error'),
      );
    };
    const pass = async (ms: number) => jest.advanceTimersByTimeAsync(ms);
    return { run, start, started, ended, pass, finish: (name: string) => finish.get(name)?.() };
  }

  it('runs maxConcurrent functions at once, and the others in order', async () => {
    const { start, started, ended, pass, finish } = setUp();
    for (const name of ['a', 'b', 'c', 'd']) start(name);
    await pass(0);
    expect(started).toEqual(['a', 'b']);
    finish('b');
    await pass(0);
    expect(started).toEqual(['a', 'b', 'c']);
    finish('a');
    finish('c');
    await pass(0);
    expect(started).toEqual(['a', 'b', 'c', 'd']);
    finish('d');
    await pass(0);
    expect(ended).toEqual(['b', 'a', 'c', 'd']);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('does not run a function that waited longer than maxWaitMs, and runs those behind it', async () => {
    const { start, started, ended, pass, finish } = setUp();
    for (const name of ['a', 'b', 'c']) start(name);
    await pass(500);
    start('d');
    await pass(500);
    expect(ended).toEqual(['c timed out']);
    finish('a');
    await pass(0);
    expect(started).toEqual(['a', 'b', 'd']);
    // A function that was started has no time limit.
    await pass(5000);
    finish('d');
    await pass(0);
    expect(ended).toEqual(['c timed out', 'a', 'd']);
  });

  it('rejects with the error of a function, and runs the next one', async () => {
    const { run } = setUp();
    const timeoutError = () => new Error('timed out');
    const fail = async () => Promise.reject(new Error('no'));
    await expect(Promise.allSettled([run(fail, timeoutError), run(fail, timeoutError)])).resolves.toMatchObject([
      { status: 'rejected', reason: { message: 'no' } },
      { status: 'rejected', reason: { message: 'no' } },
    ]);
    await expect(run(async () => 'next', timeoutError)).resolves.toBe('next');
  });
});
