/** The pause before the first refresh, in milliseconds. Each one within the last two minutes doubles it. */
const FIRST_MS = 50;
const LONGEST_MS = 10_000;
const WINDOW_MS = 120_000;

/**
 * How soon a list may be read again after its server says that it has changed. One change is read at once. A server that announces
 * changes all the time causes one reading in ten seconds.
 */
export class RefreshPace {
  /** When the refreshes within the last two minutes began, in milliseconds of the monotonic clock. */
  #begunMs: number[] = [];

  /** The time until the next refresh may begin, in milliseconds. */
  waitMs(nowMs: number): number {
    this.#begunMs = this.#begunMs.filter((begunMs) => nowMs - begunMs < WINDOW_MS);
    const pauseMs = Math.min(FIRST_MS * 2 ** this.#begunMs.length, LONGEST_MS);
    return Math.max(FIRST_MS, (this.#begunMs.at(-1) ?? -Infinity) + pauseMs - nowMs);
  }

  begin(nowMs: number): void {
    this.#begunMs.push(nowMs);
  }
}
