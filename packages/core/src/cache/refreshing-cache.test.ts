import { describe, expect, it } from '@jest/globals';
import { RefreshingCache } from './refreshing-cache.ts';

function world(max?: number, retryLater?: (error: unknown) => boolean) {
  let nowMs = 0;
  const cache = new RefreshingCache<string>({ wallMs: () => nowMs, monotonicMs: () => nowMs }, max, retryLater);
  let fetched = 0;
  const fetchFor = (lifeMs: number, refreshAfterMs?: number) => async () => {
    fetched += 1;
    return {
      value: `v${fetched}`,
      goodUntilMs: nowMs + lifeMs,
      ...(refreshAfterMs !== undefined && { refreshAtMs: nowMs + refreshAfterMs }),
    };
  };
  return { cache, fetchFor, advanceClock: (ms: number) => void (nowMs += ms), fetchCount: () => fetched };
}

describe('RefreshingCache', () => {
  it('fetches a value once for concurrent callers', async () => {
    const { cache, fetchFor, fetchCount } = world();
    const got = await Promise.all([1, 2, 3].map(async () => cache.get('k', fetchFor(100))));
    expect(got).toEqual([1, 2, 3].map(() => ({ value: 'v1', reused: false })));
    expect(fetchCount()).toBe(1);
  });

  it('returns a value until the millisecond in which it expires', async () => {
    const { cache, fetchFor, advanceClock } = world();
    await cache.get('k', fetchFor(100));
    advanceClock(99);
    expect(await cache.get('k', fetchFor(100))).toEqual({ value: 'v1', reused: true });
    advanceClock(1);
    expect(await cache.get('k', fetchFor(100))).toEqual({ value: 'v2', reused: false });
  });

  it('fetches again for a caller that joined a fetch which the caller that started it has aborted', async () => {
    const { cache, fetchFor } = world();
    const first = new AbortController();
    const ended = new Promise<never>((_resolve, reject) => {
      first.signal.addEventListener('abort', () => reject(new Error('out of time')));
    });
    const starter = cache.get('k', async () => ended, first.signal);
    const joined = cache.get('k', fetchFor(100), new AbortController().signal);
    const joinedAndAborted = cache.get('k', fetchFor(100), first.signal);
    first.abort();
    await expect(starter).rejects.toThrow('out of time');
    await expect(joinedAndAborted).rejects.toThrow('out of time');
    expect(await joined).toEqual({ value: 'v1', reused: false });
  });

  it('does not keep a value that has already expired', async () => {
    const { cache, fetchFor, fetchCount } = world();
    await cache.get('k', fetchFor(0));
    await cache.get('k', fetchFor(-1));
    expect(fetchCount()).toBe(2);
    expect(cache.peek('k')).toBeUndefined();
  });

  it('throws a failure to every waiting caller, and does not keep it', async () => {
    const { cache, fetchFor } = world();
    const fail = async () => Promise.reject(new Error('no'));
    const outcomes = await Promise.allSettled([cache.get('k', fail), cache.get('k', fail)]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect((await cache.get('k', fetchFor(100))).value).toBe('v1');
  });

  it('removes the least recently used value when it has more than the maximum', async () => {
    const { cache, fetchFor } = world(2);
    await cache.get('a', fetchFor(100));
    await cache.get('b', fetchFor(100));
    cache.peek('a');
    await cache.get('c', fetchFor(100));
    const found = { a: cache.peek('a')?.value, b: cache.peek('b')?.value, c: cache.peek('c')?.value };
    expect(found).toEqual({ a: 'v1', b: undefined, c: 'v3' });
  });

  it('drops a value only if it is equal to the given value', async () => {
    const { cache, fetchFor } = world();
    await cache.get('k', fetchFor(100));
    cache.drop('k', 'another');
    expect(cache.peek('k')?.value).toBe('v1');
    cache.drop('k', 'v1');
    expect(cache.peek('k')).toBeUndefined();
  });

  it('clears the values whose key matches', async () => {
    const { cache, fetchFor } = world();
    await cache.get('a 1', fetchFor(100));
    await cache.get('b 1', fetchFor(100));
    cache.clear((key) => key.startsWith('a'));
    expect(cache.peek('a 1')).toBeUndefined();
    expect(cache.peek('b 1')?.value).toBe('v2');
  });

  it('refreshes a value in the background with one fetch, and keeps the old value if the fetch fails', async () => {
    const { cache, fetchFor, advanceClock, fetchCount } = world();
    await cache.get('k', fetchFor(1_000_000, 100));
    advanceClock(100);
    const fail = async () => Promise.reject(new Error('down'));
    expect(await cache.get('k', fail)).toEqual({ value: 'v1', reused: true });
    await new Promise((resolve) => setImmediate(resolve));
    // After a failure the next fetch comes in a minute.
    expect(await cache.get('k', fetchFor(1_000_000, 100))).toEqual({ value: 'v1', reused: true });
    expect(fetchCount()).toBe(1);
    advanceClock(60_000);
    await cache.get('k', fetchFor(1_000_000, 100));
    await cache.get('k', fetchFor(1_000_000, 100));
    await new Promise((resolve) => setImmediate(resolve));
    expect((await cache.get('k', fetchFor(1_000_000, 100))).value).toBe('v2');
    expect(fetchCount()).toBe(2);
  });

  describe('with a value that is usable longer than it is good', () => {
    const down = new Error('down');
    const start = async (usableUntilMs: number) => {
      const { cache, advanceClock } = world(10, (error) => error === down);
      let fetched = 0;
      const fetchUntil = async () => {
        fetched += 1;
        return { value: 'old', goodUntilMs: 100, usableUntilMs };
      };
      await cache.get('k', fetchUntil);
      return { cache, advanceClock };
    };
    const fail = async () => Promise.reject(down);

    it('fetches a new value when it is no longer good', async () => {
      const { cache, advanceClock } = await start(1_000);
      advanceClock(100);
      const fetchNew = async () => ({ value: 'new', goodUntilMs: 900 });
      expect(await cache.get('k', fetchNew)).toEqual({ value: 'new', reused: false });
    });

    it('returns it to every caller while the fetch fails, until it is no longer usable', async () => {
      const { cache, advanceClock } = await start(1_000);
      advanceClock(100);
      for (let passedMs = 100; passedMs < 1_000; passedMs += 100) {
        expect(await cache.get('k', fail)).toEqual({ value: 'old', reused: true });
        advanceClock(100);
      }
      await expect(cache.get('k', fail)).rejects.toBe(down);
      expect(cache.peek('k')).toBeUndefined();
    });

    it('returns it without a wait after the first failure, and fetches in the background after a minute', async () => {
      const { cache, advanceClock } = await start(Infinity);
      advanceClock(100);
      await cache.get('k', fail);
      const never = () => new Promise<never>(() => undefined);
      expect(await cache.get('k', never)).toEqual({ value: 'old', reused: true });
      advanceClock(60_000);
      expect(await cache.get('k', async () => ({ value: 'new', goodUntilMs: 1e9 }))).toMatchObject({ value: 'old' });
      await new Promise((resolve) => setImmediate(resolve));
      expect(await cache.get('k', fail)).toEqual({ value: 'new', reused: true });
    });

    it('throws a failure that is not one of those after which the value may be used', async () => {
      const { cache, advanceClock } = await start(1_000);
      advanceClock(100);
      await expect(cache.get('k', async () => Promise.reject(new Error('refused')))).rejects.toThrow('refused');
    });
  });
});
