import { lruCache } from '@credence/protocol';
import type { Clock } from '../time/clock.ts';

/** A value and for how long it is good, in milliseconds of the monotonic clock. */
export interface CachedValue<T> {
  readonly value: T;
  /** From here a new value is fetched. */
  readonly goodUntilMs: number;
  /** From here the value is still given, and a new one is fetched in the background. Default: never. */
  readonly refreshAtMs?: number;
}

interface PendingFetch<T> {
  readonly result: Promise<CachedValue<T>>;
  /** Aborting it ends the fetch. */
  readonly signal: AbortSignal | undefined;
}

const REFRESH_PAUSE_MS = 60_000;

/**
 * Caches fetched values while they are good. At most one fetch of a key is under way; beyond `max` values the one that was used
 * least recently goes. A failure is not cached.
 */
export class RefreshingCache<T> {
  readonly #clock: Clock;
  readonly #values: ReturnType<typeof lruCache<CachedValue<T>>>;
  readonly #fetches = new Map<string, PendingFetch<T>>();

  constructor(clock: Clock, max = 1_000) {
    this.#clock = clock;
    this.#values = lruCache(max);
  }

  /**
   * The cached value while it is good; `reused` says that it was there before this call. `signal` ends
   * `fetchValue`: callers that joined that fetch then start another.
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
        // only the caller that started the fetch timed out; the others retry
        if (!joined?.signal?.aborted || signal?.aborted) throw error;
      }
    }
  }

  /** The cached value while it is good. */
  peek(key: string): CachedValue<T> | undefined {
    const cached = this.#values.get(key);
    if (!cached || cached.goodUntilMs > this.#clock.monotonicMs()) return cached;
    this.#values.delete(key);
    return undefined;
  }

  /** Removes the value. Where `value` is given, a newer one in its place stays. */
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
    // if it fails, the old value stays in use and the next attempt comes in a minute
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
