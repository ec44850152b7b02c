import { type LruCache, lruCache } from '@credence/protocol';
import type { Clock } from '../time/clock.ts';

/** A value and the times until which it is used, in milliseconds of the monotonic clock. */
export interface CachedValue<T> {
  readonly value: T;
  /** From this time on the value is not returned any more. */
  readonly goodUntilMs: number;
  /** From this time on the value is still returned, and a new value is fetched in the background. Default: never. */
  readonly refreshAtMs?: number;
}

interface PendingFetch<T> {
  readonly result: Promise<CachedValue<T>>;
  /** Aborting it ends the fetch. */
  readonly signal: AbortSignal | undefined;
}

const REFRESH_PAUSE_MS = 60_000;

/**
 * Caches fetched values until they expire. At most one fetch for each key is in progress. If there are more than `max` values, the
 * least recently used is removed. A failure is not cached.
 */
export class RefreshingCache<T> {
  readonly #clock: Clock;
  readonly #values: LruCache<CachedValue<T>>;
  readonly #fetches = new Map<string, PendingFetch<T>>();

  constructor(clock: Clock, max = 1_000) {
    this.#clock = clock;
    this.#values = lruCache(max);
  }

  /**
   * Returns the cached value, or the result of `fetchValue`. `reused` is true for a cached value. `signal` is the one that aborts
   * `fetchValue`: if it aborts, other callers that wait for this fetch start another.
   */
  async get(
    key: string,
    fetchValue: () => Promise<CachedValue<T>>,
    signal?: AbortSignal,
  ): Promise<{ value: T; reused: boolean }> {
    const cached = this.peek(key);
    if (cached) {
      this.#refreshInBackground(key, cached, fetchValue);
      return { value: cached.value, reused: true };
    }
    for (;;) {
      const joined = this.#fetches.get(key);
      try {
        const { value } = await (joined?.result ?? this.#startFetch(key, fetchValue, signal));
        return { value, reused: false };
      } catch (error) {
        // Only the caller that started the fetch has aborted; the others fetch again.
        if (!joined?.signal?.aborted || signal?.aborted) throw error;
      }
    }
  }

  /** The cached value, or undefined if there is none or it has expired. */
  peek(key: string): CachedValue<T> | undefined {
    const cached = this.#values.get(key);
    if (!cached || cached.goodUntilMs > this.#clock.monotonicMs()) return cached;
    this.#values.delete(key);
    return undefined;
  }

  /** Removes the value. If `value` is given, only a value that is equal to it is removed. */
  drop(key: string, value?: T): void {
    if (value === undefined || this.#values.peek(key)?.value === value) this.#values.delete(key);
  }

  /** Removes every value whose key matches. */
  clear(matches: (key: string) => boolean): void {
    const keys = [...this.#values.keys()].filter((key) => matches(key));
    for (const key of keys) this.#values.delete(key);
  }

  #refreshInBackground(key: string, cached: CachedValue<T>, fetchValue: () => Promise<CachedValue<T>>): void {
    const nowMs = this.#clock.monotonicMs();
    if (cached.refreshAtMs === undefined || nowMs < cached.refreshAtMs || this.#fetches.has(key)) return;
    // If the fetch fails, the old value stays in use and the next attempt comes in a minute.
    this.#values.set(key, { ...cached, refreshAtMs: nowMs + REFRESH_PAUSE_MS });
    this.#startFetch(key, fetchValue).catch(() => undefined);
  }

  #startFetch(key: string, fetchValue: () => Promise<CachedValue<T>>, signal?: AbortSignal): Promise<CachedValue<T>> {
    const result = fetchValue()
      .then((cached) => {
        this.#add(key, cached);
        return cached;
      })
      .finally(() => this.#fetches.delete(key));
    this.#fetches.set(key, { result, signal });
    return result;
  }

  #add(key: string, cached: CachedValue<T>): void {
    if (cached.goodUntilMs > this.#clock.monotonicMs()) this.#values.set(key, cached);
  }
}
