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

  it('when full looks for what has expired once a second', async () => {
    let now = 0;
    const store = memoryReplayStore({ maxEntries: 1, now: () => new Date(now) });
    await store.reserve('a', new Date(100));
    await expect(store.reserve('b', new Date(5000))).rejects.toBeInstanceOf(ReplayStoreFullError);
    now = 999;
    await expect(store.reserve('b', new Date(5000))).rejects.toBeInstanceOf(ReplayStoreFullError);
    now = 1000;
    await expect(store.reserve('b', new Date(5000))).resolves.toBe(true);
  });

  it('reserves nothing until a time that is past or none', async () => {
    const store = memoryReplayStore({ now: () => new Date(1000) });
    await expect(store.reserve('a', new Date(1000))).resolves.toBe(false);
    await expect(store.reserve('a', new Date(Number.NaN))).rejects.toBeInstanceOf(TypeError);
    await expect(store.reserve('a', new Date(1001))).resolves.toBe(true);
  });

  describe('of owners that want everything', () => {
    const greedy = (maxEntries: number) => {
      let now = 0;
      const store = memoryReplayStore({ maxEntries, now: () => new Date(now) });
      let asked = 0;
      const take = async (owner: string) => {
        asked += 1;
        return store.reserve(`${asked}`, new Date(now + 60_000), owner).catch(() => false);
      };
      const takeAll = async (owner: string) => {
        let held = 0;
        while (await take(owner)) held += 1;
        return held;
      };
      return { take, takeAll, aMinuteLater: () => (now += 60_000) };
    };

    it('gives one 38 of 100, two 25 each, and what expired again', async () => {
      const alone = greedy(100);
      await expect(alone.takeAll('a')).resolves.toBe(39);
      alone.aMinuteLater();
      await expect(alone.takeAll('a')).resolves.toBe(39);
      const two = greedy(100);
      const held = { a: 0, b: 0 };
      for (let round = 0; round < 100; round += 1) {
        for (const owner of ['a', 'b'] as const) if (await two.take(owner)) held[owner] += 1;
      }
      expect(held).toEqual({ a: 25, b: 25 });
    });

    it('lets one in that holds nothing, until there are many of them', async () => {
      const { takeAll } = greedy(10_000);
      let owners = 0;
      while ((await takeAll(`owner-${owners}`)) > 0) owners += 1;
      expect(owners).toBeGreaterThan(180);
    });
  });

  it.each([0, -1, 1.5, Number.NaN, '5'])('does not take %s for a number of entries', (maxEntries) => {
    expect(() => memoryReplayStore({ maxEntries: maxEntries as number })).toThrow('maxEntries');
  });
});
