import { LRUCache } from 'lru-cache';

/**
 * Creates a cache of at most `maxEntries` entries. A new entry then replaces the entry that was used least recently. It limits
 * the total size and counts each entry as 1, because with its option `max` the library allocates memory for all entries at once.
 */
export function lruCache<Value extends object | string | true>(maxEntries: number): LRUCache<string, Value> {
  return new LRUCache<string, Value>({ maxSize: maxEntries, sizeCalculation: () => 1 });
}
