import { LRUCache } from 'lru-cache';

/** A cache that drops the entry that was used least recently; `get` and `set` use an entry, the other methods do not. */
export interface LruCache<Value> {
  /** How many entries there are. */
  readonly size: number;
  /** The value, which is now the one that was used last. */
  get(key: string): Value | undefined;
  /** The value, whose use is not counted. */
  peek(key: string): Value | undefined;
  /** Whether there is a value, whose use is not counted. */
  has(key: string): boolean;
  /** Adds or replaces a value, which is now the one that was used last. */
  set(key: string, value: Value): unknown;
  /** Removes a value. */
  delete(key: string): boolean;
  /** Removes all values. */
  clear(): void;
  /** The keys, the one that was used last first. */
  keys(): Iterable<string>;
  /** The values, the one that was used last first. */
  values(): Iterable<Value>;
}

/**
 * A cache of at most `maxEntries`. It counts entries as sizes because by its option `max` the library reserves the memory of
 * all of them at once. The library's own types do not compile without `skipLibCheck`, so no declaration names them.
 */
export function lruCache<Value extends object | string | true>(maxEntries: number): LruCache<Value> {
  return new LRUCache<string, Value>({ maxSize: maxEntries, sizeCalculation: () => 1 });
}
