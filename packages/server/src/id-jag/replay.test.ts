import { describe, expect, it } from '@jest/globals';
import { memoryReplayStore } from './replay.ts';

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

  it('when full refuses rather than forgets, and makes room as entries expire', async () => {
    let now = 0;
    const store = memoryReplayStore({ maxEntries: 2, now: () => new Date(now) });
    await store.reserve('a', new Date(1000));
    await store.reserve('b', new Date(2000));
    await expect(store.reserve('c', new Date(2000))).resolves.toBe(false);
    await expect(store.reserve('a', new Date(2000))).resolves.toBe(false);
    now = 1500;
    await expect(store.reserve('c', new Date(3000))).resolves.toBe(true);
    await expect(store.reserve('b', new Date(3000))).resolves.toBe(false);
  });
});
