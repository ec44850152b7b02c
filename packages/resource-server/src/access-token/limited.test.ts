import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { limited } from './limited.ts';

describe('limited', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  function world() {
    const run = limited({ atOnce: 2, waitMs: 1000 });
    const started: string[] = [];
    const ended: string[] = [];
    const finish = new Map<string, () => void>();
    const ask = (name: string) => {
      const work = () => {
        started.push(name);
        return new Promise<string>((resolve) => finish.set(name, () => resolve(name)));
      };
      run(work, () => new Error(`${name} is late`)).then(
        (value) => ended.push(value),
        (error: unknown) => ended.push(error instanceof Error ? error.message : 'no error'),
      );
    };
    const pass = async (ms: number) => jest.advanceTimersByTimeAsync(ms);
    return { run, ask, started, ended, pass, finish: (name: string) => finish.get(name)?.() };
  }

  it('runs so many at once, and the others in order', async () => {
    const { ask, started, ended, pass, finish } = world();
    for (const name of ['a', 'b', 'c', 'd']) ask(name);
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

  it('never runs one whose turn did not come in time, and goes on with those behind it', async () => {
    const { ask, started, ended, pass, finish } = world();
    for (const name of ['a', 'b', 'c']) ask(name);
    await pass(500);
    ask('d');
    await pass(500);
    expect(ended).toEqual(['c is late']);
    finish('a');
    await pass(0);
    expect(started).toEqual(['a', 'b', 'd']);
    // what runs has no limit of time here
    await pass(5000);
    finish('d');
    await pass(0);
    expect(ended).toEqual(['c is late', 'a', 'd']);
  });

  it('throws what the work throws, and takes the next', async () => {
    const { run } = world();
    const late = () => new Error('late');
    const fail = async () => Promise.reject(new Error('no'));
    await expect(Promise.allSettled([run(fail, late), run(fail, late)])).resolves.toMatchObject([
      { status: 'rejected', reason: { message: 'no' } },
      { status: 'rejected', reason: { message: 'no' } },
    ]);
    await expect(run(async () => 'next', late)).resolves.toBe('next');
  });
});
