import type { Clock } from '../time/clock.ts';

const CLOSEST_MS = 25;
/** The longest time that `setTimeout` can wait. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * One timer for the renewal of all tokens, because a timer for each would need more memory than the token. The timer is set
 * to the token that is due first. Then `sweep` renews all tokens that are due and returns when the next one is due
 * (`nextMs`, in milliseconds of the monotonic clock; Infinity for never) and how many tokens it checked.
 */
export class RenewalClock {
  readonly #clock: Clock;
  readonly #sweep: (nowMs: number) => { nextMs: number; checked: number };
  #timer: NodeJS.Timeout | undefined;
  #dueMs = Infinity;
  #notBeforeMs = -Infinity;

  constructor(clock: Clock, sweep: (nowMs: number) => { nextMs: number; checked: number }) {
    this.#clock = clock;
    this.#sweep = sweep;
  }

  /** Sets the timer to `atMs`, unless it is already set to an earlier time. */
  remind(atMs: number): void {
    const dueMs = Math.max(atMs, this.#notBeforeMs);
    if (dueMs >= this.#dueMs) return;
    clearTimeout(this.#timer);
    this.#dueMs = dueMs;
    // A timer can run a little early, and the token would still be fresh then.
    const inMs = Math.max(0, Math.ceil(dueMs - this.#clock.monotonicMs()) + 1);
    this.#timer = setTimeout(() => this.#tick(), Math.min(inMs, LONGEST_MS));
    // The timer does not keep the process running.
    this.#timer.unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#dueMs = Infinity;
  }

  #tick(): void {
    const nowMs = this.#clock.monotonicMs();
    this.#dueMs = Infinity;
    const { nextMs, checked } = this.#sweep(nowMs);
    // The pause grows with the number of tokens, so that a sweep over many tokens does not run all the time.
    this.#notBeforeMs = nowMs + Math.max(CLOSEST_MS, checked / 100);
    if (nextMs < Infinity) this.remind(nextMs);
  }
}
