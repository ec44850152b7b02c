import { describe, expect, it } from '@jest/globals';
import { lruCache } from './lru-cache.ts';

describe('lruCache', () => {
  it('keeps at most maxEntries entries, and drops the one that was used least recently', () => {
    const cache = lruCache<string>(3);
    for (const key of ['a', 'b', 'c']) cache.set(key, `value of ${key}`);
    cache.get('a');
    cache.set('d', 'value of d');
    expect([...cache.keys()].toSorted()).toEqual(['a', 'c', 'd']);
    expect(cache.get('b')).toBeUndefined();
    expect(cache.get('a')).toBe('value of a');
  });

  it('counts an entry once even if it is set several times', () => {
    const cache = lruCache<string>(2);
    for (const value of ['1', '2', '3']) cache.set('a', value);
    cache.set('b', '1');
    expect(cache.get('a')).toBe('3');
    expect(cache.size).toBe(2);
  });
});
