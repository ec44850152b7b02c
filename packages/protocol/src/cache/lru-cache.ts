import { LRUCache } from 'lru-cache';

/** A cache that drops the entry that was used least recently; `get` and `set` use an entry, the other methods do not. */
export interface LruCache<Value> {
  /** The number of entries. */
  readonly size: number;
  /** Returns the value, and counts this as a use of the entry. */
  get(key: string): Value | undefined;
  /** Returns the value, and does not count this as a use of the entry. */
  peek(key: string): Value | undefined;
  /** Returns whether there is an entry, and does not count this as a use of it. */
  has(key: string): boolean;
  /** Adds or replaces an entry, and counts this as a use of it. */
  set(key: string, value: Value): unknown;
  /** Removes an entry. */
  delete(key: string): boolean;
  /** Removes all entries. */
  clear(): void;
  /** The keys, in the order of the last use, the most recent first. */
  keys(): Iterable<string>;
  /** The values, in the order of the last use, the most recent first. */
  values(): Iterable<Value>;
}

/**
 * Creates a cache of at most `maxEntries` entries. A new entry then replaces the entry that was used least recently. The
 * cache limits the total size and counts each entry as 1, because with its option `max` the library allocates memory for
 * all entries at once. The library's own types do not compile without `skipLibCheck`, so no declaration names them.
 */
export function lruCache<Value extends object | string | true>(maxEntries: number): LruCache<Value> {
  return new StringKeyCache<Value>({ maxSize: maxEntries, sizeCalculation: () => 1 });
}

class StringKeyCache<Value extends object | string | true> extends LRUCache<string, Value> {
  /** One object for all calls: without it the library allocates one in each call. */
  readonly #getOptions = {};

  override get(key: string): Value | undefined {
    return super.get(key, this.#getOptions);
  }
}
