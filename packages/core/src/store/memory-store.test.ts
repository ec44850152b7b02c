import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { memoryStore } from './memory-store.ts';

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

describe('memoryStore', () => {
  it('keeps a value until its time to live has passed', async () => {
    const store = memoryStore();
    await store.set('k', 'v', 100);
    jest.advanceTimersByTime(99);
    expect(await store.get('k')).toBe('v');
    jest.advanceTimersByTime(1);
    expect(await store.get('k')).toBeUndefined();
  });

  it('deletes a key only if it still has the given value', async () => {
    const store = memoryStore();
    await store.set('k', 'new', 100);
    await store.delete('k', 'old');
    expect(await store.get('k')).toBe('new');
    await store.delete('k', 'new');
    expect(await store.get('k')).toBeUndefined();
  });

  it('removes the least recently used entry when it has more than maxEntries', async () => {
    const store = memoryStore({ maxEntries: 2 });
    for (const key of ['a', 'b']) await store.set(key, key, 100);
    await store.get('a');
    await store.set('c', 'c', 100);
    expect(await Promise.all(['a', 'b', 'c'].map(async (key) => store.get(key)))).toEqual(['a', undefined, 'c']);
  });

  it('grants a lease to one holder at a time, and to the next after it is released or has expired', async () => {
    const store = memoryStore();
    const first = await store.lease('k', 100);
    expect(await store.lease('k', 100)).toBeUndefined();
    expect(await store.lease('other', 100)).toBeDefined();
    await first?.release();
    const second = await store.lease('k', 100);
    expect(second).toBeDefined();
    jest.advanceTimersByTime(100);
    const third = await store.lease('k', 100);
    expect(third).toBeDefined();
    // The second lease has expired: it can neither be extended nor release the third.
    expect(await second?.extend(100)).toBe(false);
    await second?.release();
    expect(await store.lease('k', 100)).toBeUndefined();
    expect(await third?.extend(1_000)).toBe(true);
    jest.advanceTimersByTime(500);
    expect(await store.lease('k', 100)).toBeUndefined();
  });

  it('does not print its values', async () => {
    const store = memoryStore();
    await store.set('k', 's3cret', 100);
    expect(JSON.stringify(store)).not.toContain('s3cret');
  });
});
