import { lruCache } from '@credence/protocol';
import type { Clock } from '../time/clock.ts';

export interface Keepable<T> {
  readonly value: T;
  /** On the monotonic clock; a value that is past it is fetched anew. */
  readonly goodUntilMs: number;
  /** On the monotonic clock; from here the value is still given and a new one is fetched behind. Default: never. */
  readonly refreshAtMs?: number;
}

interface Flight<T> {
  readonly landing: Promise<Keepable<T>>;
  /** Whose end ends the flight. */
  readonly signal: AbortSignal | undefined;
}

const REFRESH_PAUSE_MS = 60_000;

/**
 * Values that are fetched once and kept while they are good: one flight per key, bounded in number, least recently used
 * goes first. A failure is not kept.
 */
export class Kept<T> {
  readonly #clock: Clock;
  readonly #values: ReturnType<typeof lruCache<Keepable<T>>>;
  readonly #flights = new Map<string, Flight<T>>();

  constructor(clock: Clock, max = 1_000) {
    this.#clock = clock;
    this.#values = lruCache(max);
  }

  /**
   * The kept value while it is good; `reused` says that it was there before this call. `signal` is the one that ends
   * `fetchValue`: those who joined its flight then start another.
   */
  async get(
    key: string,
    fetchValue: () => Promise<Keepable<T>>,
    signal?: AbortSignal,
  ): Promise<{ value: T; reused: boolean }> {
    const kept = this.peek(key);
    if (kept) {
      this.#refreshBehind(key, kept, fetchValue);
      return { value: kept.value, reused: true };
    }
    for (;;) {
      const joined = this.#flights.get(key);
      try {
        const { value } = await (joined?.landing ?? this.#fly(key, fetchValue, signal));
        return { value, reused: false };
      } catch (error) {
        // whoever started the flight ran out of time: that is no answer for those who still have some
        if (!joined?.signal?.aborted || signal?.aborted) throw error;
      }
    }
  }

  peek(key: string): Keepable<T> | undefined {
    const kept = this.#values.get(key);
    if (!kept || kept.goodUntilMs > this.#clock.monotonicMs()) return kept;
    this.#values.delete(key);
    return undefined;
  }

  /** Forgets the value, or only exactly `value` where one is given: a newer one in its place stays. */
  drop(key: string, value?: T): void {
    if (value === undefined || this.#values.peek(key)?.value === value) this.#values.delete(key);
  }

  /** Forgets every value whose key is meant. */
  clear(meant: (key: string) => boolean): void {
    const keys = [...this.#values.keys()].filter((key) => meant(key));
    for (const key of keys) this.#values.delete(key);
  }

  #refreshBehind(key: string, kept: Keepable<T>, fetchValue: () => Promise<Keepable<T>>): void {
    const nowMs = this.#clock.monotonicMs();
    if (kept.refreshAtMs === undefined || nowMs < kept.refreshAtMs || this.#flights.has(key)) return;
    // should it fail, the old value serves on and the next try comes in a minute
    this.#values.set(key, { ...kept, refreshAtMs: nowMs + REFRESH_PAUSE_MS });
    this.#fly(key, fetchValue).catch(() => undefined);
  }

  #fly(key: string, fetchValue: () => Promise<Keepable<T>>, signal?: AbortSignal): Promise<Keepable<T>> {
    const landing = fetchValue()
      .then((kept) => {
        this.#keep(key, kept);
        return kept;
      })
      .finally(() => this.#flights.delete(key));
    this.#flights.set(key, { landing, signal });
    return landing;
  }

  #keep(key: string, kept: Keepable<T>): void {
    if (kept.goodUntilMs > this.#clock.monotonicMs()) this.#values.set(key, kept);
  }
}
