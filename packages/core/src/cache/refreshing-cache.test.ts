import { describe, expect, it } from '@jest/globals';
import { RefreshingCache } from './refreshing-cache.ts';

function world(max?: number) {
  let nowMs = 0;
  const kept = new RefreshingCache<string>({ wallMs: () => nowMs, monotonicMs: () => nowMs }, max);
  let fetched = 0;
  const fetchFor = (lifeMs: number, refreshAfterMs?: number) => async () => {
    fetched += 1;
    return {
      value: `v${fetched}`,
      goodUntilMs: nowMs + lifeMs,
      ...(refreshAfterMs !== undefined && { refreshAtMs: nowMs + refreshAfterMs }),
    };
  };
  return { kept, fetchFor, pass: (ms: number) => void (nowMs += ms), fetched: () => fetched };
}

describe('what is kept', () => {
  it('is fetched by one for all who want it at the same time', async () => {
    const { kept, fetchFor, fetched } = world();
    const got = await Promise.all([1, 2, 3].map(async () => kept.get('k', fetchFor(100))));
    expect(got).toEqual([1, 2, 3].map(() => ({ value: 'v1', reused: false })));
    expect(fetched()).toBe(1);
  });

  it('is good until it is not, to the millisecond', async () => {
    const { kept, fetchFor, pass } = world();
    await kept.get('k', fetchFor(100));
    pass(99);
    expect(await kept.get('k', fetchFor(100))).toEqual({ value: 'v1', reused: true });
    pass(1);
    expect(await kept.get('k', fetchFor(100))).toEqual({ value: 'v2', reused: false });
  });

  it('is fetched anew by who joined a flight that ended with the time of whoever started it', async () => {
    const { kept, fetchFor } = world();
    const first = new AbortController();
    const ended = new Promise<never>((_resolve, reject) => {
      first.signal.addEventListener('abort', () => reject(new Error('out of time')));
    });
    const starter = kept.get('k', async () => ended, first.signal);
    const joined = kept.get('k', fetchFor(100), new AbortController().signal);
    const alsoLate = kept.get('k', fetchFor(100), first.signal);
    first.abort();
    await expect(starter).rejects.toThrow('out of time');
    await expect(alsoLate).rejects.toThrow('out of time');
    expect(await joined).toEqual({ value: 'v1', reused: false });
  });

  it('is not kept at all when it lives no time', async () => {
    const { kept, fetchFor, fetched } = world();
    await kept.get('k', fetchFor(0));
    await kept.get('k', fetchFor(-1));
    expect(fetched()).toBe(2);
    expect(kept.peek('k')).toBeUndefined();
  });

  it('does not keep a failure, and gives it to all who waited', async () => {
    const { kept, fetchFor } = world();
    const fail = async () => Promise.reject(new Error('no'));
    const outcomes = await Promise.allSettled([kept.get('k', fail), kept.get('k', fail)]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect((await kept.get('k', fetchFor(100))).value).toBe('v1');
  });

  it('loses first what was not used for longest', async () => {
    const { kept, fetchFor } = world(2);
    await kept.get('a', fetchFor(100));
    await kept.get('b', fetchFor(100));
    kept.peek('a');
    await kept.get('c', fetchFor(100));
    const found = { a: kept.peek('a')?.value, b: kept.peek('b')?.value, c: kept.peek('c')?.value };
    expect(found).toEqual({ a: 'v1', b: undefined, c: 'v3' });
  });

  it('is dropped only as the very value that was meant', async () => {
    const { kept, fetchFor } = world();
    await kept.get('k', fetchFor(100));
    kept.drop('k', 'another');
    expect(kept.peek('k')?.value).toBe('v1');
    kept.drop('k', 'v1');
    expect(kept.peek('k')).toBeUndefined();
  });

  it('is cleared by key', async () => {
    const { kept, fetchFor } = world();
    await kept.get('a 1', fetchFor(100));
    await kept.get('b 1', fetchFor(100));
    kept.clear((key) => key.startsWith('a'));
    expect(kept.peek('a 1')).toBeUndefined();
    expect(kept.peek('b 1')?.value).toBe('v2');
  });

  it('is refreshed behind the back of who uses it, by one, and serves on should that fail', async () => {
    const { kept, fetchFor, pass, fetched } = world();
    await kept.get('k', fetchFor(1_000_000, 100));
    pass(100);
    const fail = async () => Promise.reject(new Error('down'));
    expect(await kept.get('k', fail)).toEqual({ value: 'v1', reused: true });
    await new Promise((resolve) => setImmediate(resolve));
    // a minute's pause after a failure
    expect(await kept.get('k', fetchFor(1_000_000, 100))).toEqual({ value: 'v1', reused: true });
    expect(fetched()).toBe(1);
    pass(60_000);
    await kept.get('k', fetchFor(1_000_000, 100));
    await kept.get('k', fetchFor(1_000_000, 100));
    await new Promise((resolve) => setImmediate(resolve));
    expect((await kept.get('k', fetchFor(1_000_000, 100))).value).toBe('v2');
    expect(fetched()).toBe(2);
  });
});
