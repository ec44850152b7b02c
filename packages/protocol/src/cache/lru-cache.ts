import { LRUCache } from 'lru-cache';

/**
 * A cache of at most `maxEntries`; beyond that the entry that was used least recently goes. It counts entries as sizes
 * because by its option `max` the library reserves the memory of all of them at once.
 */
export function lruCache<Value extends object | string | true>(maxEntries: number): LRUCache<string, Value> {
  return new LRUCache<string, Value>({ maxSize: maxEntries, sizeCalculation: () => 1 });
}
