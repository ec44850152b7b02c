const QUIET_MS = 250;
const LATE_MS = 50;
const LONGEST_MS = 2_000;

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
   * Resolves, for all callers that wait at the same time, when `outstanding` returns 0. A successful request is not reported, so it
   * still counts as outstanding. Therefore it also resolves if no 401 has arrived for 250 ms, and after two seconds.
   */
  async over(outstanding: () => number): Promise<void> {
    this.#ending ??= this.#end(outstanding).finally(() => (this.#ending = undefined));
    await this.#ending;
  }

  async #end(outstanding: () => number): Promise<void> {
    const latestMs = performance.now() + LONGEST_MS;
    while (outstanding() > 0) {
      const waitMs = Math.min(this.#lastMs + QUIET_MS, latestMs) - performance.now();
      if (waitMs <= 0) return;
      const dueMs = performance.now() + waitMs;
      await this.#arrivalWithin(waitMs);
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
