import { type LruCache, lruCache } from '@credence/protocol';
import type { Clock } from '../time/clock.ts';

/** A value and the times until which it is used, in milliseconds of the monotonic clock. */
export interface CachedValue<T> {
  readonly value: T;
  /** From this time on a new value is fetched. */
  readonly goodUntilMs: number;
  /** Until this time the value is returned if the fetch of a new one fails for a reason that `retryLater` accepts. Default: `goodUntilMs`. */
  readonly usableUntilMs?: number;
  /** From this time on the value is still returned, and a new value is fetched in the background. Default: never. */
  readonly refreshAtMs?: number;
}

/** Fetches a value. `usable` is the value that is used if the fetch fails. */
export type FetchValue<T> = (usable: T | undefined) => Promise<CachedValue<T>>;

interface PendingFetch<T> {
  readonly result: Promise<CachedValue<T>>;
  /** Aborting it ends the fetch. */
  readonly signal: AbortSignal | undefined;
}

const REFRESH_PAUSE_MS = 60_000;

/**
 * Caches fetched values until they expire. At most one fetch for each key is in progress. If there are more than `max` values, the
 * least recently used is removed. A failure is not cached. `retryLater` says whether a failure is one after which a value that is
 * still usable is returned, because the same fetch may succeed later.
 */
export class RefreshingCache<T> {
  readonly #clock: Clock;
  readonly #values: LruCache<CachedValue<T>>;
  readonly #fetches = new Map<string, PendingFetch<T>>();
  readonly #retryLater: (error: unknown) => boolean;

  constructor(clock: Clock, max = 1_000, retryLater: (error: unknown) => boolean = () => false) {
    this.#clock = clock;
    this.#values = lruCache(max);
    this.#retryLater = retryLater;
  }

  /**
   * Returns the cached value, or the result of `fetchValue`. `reused` is true for a cached value. `signal` is the one that aborts
   * `fetchValue`: if it aborts, other callers that wait for this fetch start another. `fetchValue` gets the old value if it is still
   * usable, and so returned if the fetch fails.
   */
  async get(key: string, fetchValue: FetchValue<T>, signal?: AbortSignal): Promise<{ value: T; reused: boolean }> {
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
        if (joined?.signal?.aborted && !signal?.aborted) continue;
        const usable = signal?.aborted || !this.#retryLater(error) ? undefined : this.#stillUsable(key);
        if (!usable) throw error;
        return { value: usable.value, reused: true };
      }
    }
  }

  /** The cached value, or undefined if there is none or a new one must be fetched. */
  peek(key: string): CachedValue<T> | undefined {
    const cached = this.#values.get(key);
    const nowMs = this.#clock.monotonicMs();
    if (!cached || cached.goodUntilMs > nowMs) return cached;
    if (usableUntil(cached) <= nowMs) this.#values.delete(key);
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

  #refreshInBackground(key: string, cached: CachedValue<T>, fetchValue: FetchValue<T>): void {
    const nowMs = this.#clock.monotonicMs();
    if (cached.refreshAtMs === undefined || nowMs < cached.refreshAtMs || this.#fetches.has(key)) return;
    // If the fetch fails, the old value stays in use and the next attempt comes in a minute.
    this.#values.set(key, { ...cached, refreshAtMs: nowMs + REFRESH_PAUSE_MS });
    this.#startFetch(key, fetchValue).catch((error: unknown) => {
      if (this.#retryLater(error)) this.#stillUsable(key);
    });
  }

  /** The old value after a failed fetch. It is returned from now on, and the next attempts run in the background. */
  #stillUsable(key: string): CachedValue<T> | undefined {
    const cached = this.#values.peek(key);
    const nowMs = this.#clock.monotonicMs();
    if (!cached || usableUntil(cached) <= nowMs) return undefined;
    this.#values.set(key, { ...cached, goodUntilMs: usableUntil(cached), refreshAtMs: nowMs + REFRESH_PAUSE_MS });
    return cached;
  }

  #startFetch(key: string, fetchValue: FetchValue<T>, signal?: AbortSignal): Promise<CachedValue<T>> {
    const old = this.#values.peek(key);
    const usable = old && usableUntil(old) > this.#clock.monotonicMs() ? old.value : undefined;
    const result = fetchValue(usable)
      .then((cached) => {
        this.#add(key, cached);
        return cached;
      })
      .finally(() => this.#fetches.delete(key));
    this.#fetches.set(key, { result, signal });
    return result;
  }

  #add(key: string, cached: CachedValue<T>): void {
    if (usableUntil(cached) > this.#clock.monotonicMs()) this.#values.set(key, cached);
  }
}

function usableUntil({ goodUntilMs, usableUntilMs = goodUntilMs }: CachedValue<unknown>): number {
  return Math.max(goodUntilMs, usableUntilMs);
}
