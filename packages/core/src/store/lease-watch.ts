import { lruCache } from '@credence/protocol';
import type { Clock } from '../time/clock.ts';

const MAX_KEYS = 1_000;
/** Between two looks at a lease that are further apart, one holder can have released it and another can have taken it. */
const LONGEST_GAP_MS = 6_000;

/**
 * How long each lease has been taken, as this process sees it. The store decides when a lease expires, so a lease whose expiry was
 * lost, or that somebody else wrote, would stay taken for ever.
 */
export class LeaseWatch {
  readonly #clock: Clock;
  readonly #longestMs: number;
  readonly #taken = lruCache<{ readonly sinceMs: number; seenMs: number; isIgnored: boolean }>(MAX_KEYS);

  /** A lease that stays taken for longer than `longestMs` without a result of its holder is ignored until `free`. */
  constructor(clock: Clock, longestMs: number) {
    this.#clock = clock;
    this.#longestMs = longestMs;
  }

  /** Records that the lease is taken. Whether it is to be ignored: `first` the first time. */
  taken(key: string): 'no' | 'first' | 'again' {
    const nowMs = this.#clock.monotonicMs();
    const taken = this.#taken.get(key);
    if (taken?.isIgnored) return 'again';
    if (!taken || nowMs - taken.seenMs > LONGEST_GAP_MS) {
      this.#taken.set(key, { sinceMs: nowMs, seenMs: nowMs, isIgnored: false });
      return 'no';
    }
    taken.seenMs = nowMs;
    if (nowMs - taken.sinceMs < this.#longestMs) return 'no';
    taken.isIgnored = true;
    return 'first';
  }

  /** Records that the lease was free, or that a holder has stored its result. */
  free(key: string): void {
    this.#taken.delete(key);
  }
}
