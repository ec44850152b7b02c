import { describe, expect, it } from '@jest/globals';
import { memoryReplayStore } from './memory-replay-store.ts';
import { ReplayStoreFullError } from './replay-store.ts';

describe('memoryReplayStore', () => {
  it('reserves an id once until the reservation expires', async () => {
    let now = 1000;
    const store = memoryReplayStore({ now: () => new Date(now) });
    await expect(store.reserve('a', new Date(2000))).resolves.toBe(true);
    await expect(store.reserve('a', new Date(2000))).resolves.toBe(false);
    await expect(store.reserve('b', new Date(2000))).resolves.toBe(true);
    now = 2000;
    await expect(store.reserve('a', new Date(3000))).resolves.toBe(true);
  });

  it('rejects when it is full, keeps its reservations, and accepts new ones when old ones expire', async () => {
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

  it('searches for expired reservations once a second when it is full', async () => {
    let now = 0;
    const store = memoryReplayStore({ maxEntries: 1, now: () => new Date(now) });
    await store.reserve('a', new Date(100));
    await expect(store.reserve('b', new Date(5000))).rejects.toBeInstanceOf(ReplayStoreFullError);
    now = 999;
    await expect(store.reserve('b', new Date(5000))).rejects.toBeInstanceOf(ReplayStoreFullError);
    now = 1000;
    await expect(store.reserve('b', new Date(5000))).resolves.toBe(true);
  });

  it('makes no reservation if expiresAt is in the past or invalid', async () => {
    const store = memoryReplayStore({ now: () => new Date(1000) });
    await expect(store.reserve('a', new Date(1000))).resolves.toBe(false);
    await expect(store.reserve('a', new Date(Number.NaN))).rejects.toBeInstanceOf(TypeError);
    await expect(store.reserve('a', new Date(1001))).resolves.toBe(true);
  });

  describe('with owners that reserve all they can', () => {
    const storeOf = (maxEntries: number) => {
      let now = 0;
      const store = memoryReplayStore({ maxEntries, now: () => new Date(now) });
      let calls = 0;
      const take = async (owner: string) => {
        calls += 1;
        return store.reserve(`${calls}`, new Date(now + 60_000), owner).catch(() => false);
      };
      const takeAll = async (owner: string) => {
        let held = 0;
        while (await take(owner)) held += 1;
        return held;
      };
      return { take, takeAll, aMinuteLater: () => (now += 60_000) };
    };

    it('gives one owner 39 of 100 entries, two owners 25 each, and an expired entry to a new reservation', async () => {
      const alone = storeOf(100);
      await expect(alone.takeAll('a')).resolves.toBe(39);
      alone.aMinuteLater();
      await expect(alone.takeAll('a')).resolves.toBe(39);
      const two = storeOf(100);
      const held = { a: 0, b: 0 };
      for (let round = 0; round < 100; round += 1) {
        for (const owner of ['a', 'b'] as const) if (await two.take(owner)) held[owner] += 1;
      }
      expect(held).toEqual({ a: 25, b: 25 });
    });

    it('gives an entry to a new owner after 180 others took all they could', async () => {
      const { takeAll } = storeOf(10_000);
      let owners = 0;
      while ((await takeAll(`owner-${owners}`)) > 0) owners += 1;
      expect(owners).toBeGreaterThan(180);
    });
  });

  it.each([0, -1, 1.5, Number.NaN, '5'])('refuses a maxEntries of %s', (maxEntries) => {
    expect(() => memoryReplayStore({ maxEntries: maxEntries as number })).toThrow('maxEntries');
  });
});
