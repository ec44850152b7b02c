import type { Outstanding } from '../shared/bearer-tokens.ts';

const QUIET_MS = 250;
const LATE_MS = 50;
const LONGEST_MS = 2_000;
/** So long a request that is known to be unanswered is waited for after the last answer. A server refuses a token in less time. */
const UNANSWERED_MS = 1_000;
const POLL_MS = 20;

/**
 * Makes calls that were refused at about the same time wait for each other. SDK v1 has one flag for each transport, which
 * is set when an authorization ends and cleared by the next successful call. A call whose 401 arrives while the flag is set
 * fails. So none of the calls continues before the 401 of the last of them has arrived.
 */
export class Burst {
  #lastMs = -Infinity;
  #arrived: (() => void) | undefined;
  #ending: Promise<void> | undefined;

  /** Must be called for each refused call when its 401 arrives. */
  arrived(): void {
    this.#lastMs = performance.now();
    this.#arrived?.();
  }

  /**
   * Resolves, for all callers that wait at the same time, when nothing is outstanding. A request that is unanswered is waited for until a second
   * after the last answer. A request that can be answered already is waited for until no 401 has arrived for 250 ms, and at most two seconds.
   */
  async over(outstanding: () => Outstanding): Promise<void> {
    this.#ending ??= this.#end(outstanding).finally(() => (this.#ending = undefined));
    await this.#ending;
  }

  async #end(outstanding: () => Outstanding): Promise<void> {
    const startedMs = performance.now();
    for (;;) {
      const { unanswered, unknown, lastAnswerMs } = outstanding();
      if (unanswered + unknown === 0) return;
      const latestMs =
        unanswered > 0
          ? Math.max(this.#lastMs, lastAnswerMs) + UNANSWERED_MS
          : Math.min(this.#lastMs + QUIET_MS, Math.max(startedMs, lastAnswerMs) + LONGEST_MS);
      const waitMs = latestMs - performance.now();
      if (waitMs <= 0) return;
      const sleepMs = unanswered > 0 ? Math.min(waitMs, POLL_MS) : waitMs;
      const dueMs = performance.now() + sleepMs;
      await this.#arrivalWithin(sleepMs);
      // The timer was late because the process was busy. The process could not read responses either, so the wait starts again.
      if (performance.now() - dueMs > LATE_MS) this.#lastMs = performance.now();
    }
  }

  async #arrivalWithin(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#arrived = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#arrived = undefined;
  }
}
