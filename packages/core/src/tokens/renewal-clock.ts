import type { Clock } from '../time/clock.ts';

const CLOSEST_MS = 25;
/** What a timer can wait for. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * One timer for all tokens, because a timer for each would weigh more than the token: it is set to the first that is due, and
 * then `sweep` looks after all that are and says when the next one is (monotonic milliseconds; Infinity for never).
 */
export class RenewalClock {
  readonly #clock: Clock;
  readonly #sweep: (nowMs: number) => { nextMs: number; looked: number };
  #timer: NodeJS.Timeout | undefined;
  #dueMs = Infinity;
  #notBeforeMs = -Infinity;

  constructor(clock: Clock, sweep: (nowMs: number) => { nextMs: number; looked: number }) {
    this.#clock = clock;
    this.#sweep = sweep;
  }

  /** Something is due at `atMs`; earlier reminders stand. */
  remind(atMs: number): void {
    const dueMs = Math.max(atMs, this.#notBeforeMs);
    if (dueMs >= this.#dueMs) return;
    clearTimeout(this.#timer);
    this.#dueMs = dueMs;
    // a timer may be a little early, and would find the token still fresh
    const inMs = Math.max(0, Math.ceil(dueMs - this.#clock.monotonicMs()) + 1);
    this.#timer = setTimeout(() => this.#tick(), Math.min(inMs, LONGEST_MS));
    // a process that has nothing else to do may end
    this.#timer.unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#dueMs = Infinity;
  }

  #tick(): void {
    const nowMs = this.#clock.monotonicMs();
    this.#dueMs = Infinity;
    const { nextMs, looked } = this.#sweep(nowMs);
    // so that a hundred thousand tokens are not looked through all the time
    this.#notBeforeMs = nowMs + Math.max(CLOSEST_MS, looked / 100);
    if (nextMs < Infinity) this.remind(nextMs);
  }
}
