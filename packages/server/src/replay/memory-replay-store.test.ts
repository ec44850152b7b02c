import { describe, expect, it } from '@jest/globals';
import { memoryReplayStore } from './memory-replay-store.ts';
import { ReplayStoreFullError } from './replay-store.ts';

describe('memoryReplayStore', () => {
  it('gives an id once until it expires', async () => {
    let now = 1000;
    const store = memoryReplayStore({ now: () => new Date(now) });
    await expect(store.reserve('a', new Date(2000))).resolves.toBe(true);
    await expect(store.reserve('a', new Date(2000))).resolves.toBe(false);
    await expect(store.reserve('b', new Date(2000))).resolves.toBe(true);
    now = 2000;
    await expect(store.reserve('a', new Date(3000))).resolves.toBe(true);
  });

  it('when full rejects rather than forgets, and makes room as entries expire', async () => {
    let now = 0;
    const store = memoryReplayStore({ maxEntries: 2, now: () => new Date(now) });
    await store.reserve('a', new Date(1000));
    await store.reserve('b', new Date(2000));
    await expect(store.reserve('c', new Date(2000))).rejects.toBeInstanceOf(ReplayStoreFullError);
    await expect(store.reserve('a', new Date(2000))).resolves.toBe(false);
    now = 1500;
    await expect(store.reserve('c', new Date(3000))).resolves.toBe(true);
    await expect(store.reserve('b', new Date(3000))).resolves.toBe(false);
  });

  it('when full answers at once', async () => {
    const store = memoryReplayStore({ now: () => new Date(0) });
    const until = new Date(60_000);
    for (let id = 0; id < 100_000; id += 1) await store.reserve(String(id), until);
    const startedMs = performance.now();
    for (let id = 0; id < 1000; id += 1) await store.reserve(`more-${id}`, until).catch(() => undefined);
    // Looking through all of them each time would take a second.
    expect(performance.now() - startedMs).toBeLessThan(300);
  });

  it('reserves nothing until a time that is past or none', async () => {
    const store = memoryReplayStore({ now: () => new Date(1000) });
    await expect(store.reserve('a', new Date(1000))).resolves.toBe(false);
    await expect(store.reserve('a', new Date(Number.NaN))).rejects.toBeInstanceOf(TypeError);
    await expect(store.reserve('a', new Date(1001))).resolves.toBe(true);
  });

  it('leaves room for others, however much one owner wants', async () => {
    let now = 0;
    const store = memoryReplayStore({ maxEntries: 100, now: () => new Date(now) });
    const given = async (owner: string) => {
      const asked = Array.from({ length: 200 }, (_, id) =>
        store.reserve(`${owner}-${id}`, new Date(now + 60_000), owner),
      );
      return (await Promise.allSettled(asked)).filter(({ status }) => status === 'fulfilled').length;
    };
    expect([await given('flood'), await given('second'), await given('third')]).toEqual([50, 25, 13]);
    now = 60_000;
    await expect(given('flood')).resolves.toBe(50);
  });

  it.each([0, -1, 1.5, Number.NaN, '5'])('does not take %s for a number of entries', (maxEntries) => {
    expect(() => memoryReplayStore({ maxEntries: maxEntries as number })).toThrow('maxEntries');
  });
});
