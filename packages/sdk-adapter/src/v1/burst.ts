const QUIET_MS = 250;
const LATE_MS = 50;
const LONGEST_MS = 2_000;

/**
 * Holds together what is refused together. SDK v1 keeps one flag per transport that says "authorized a moment ago", set when
 * authorization ends and cleared by the next success, and fails every call whose 401 arrives in between. So none of the calls
 * that were refused together is let go before the last of them is there.
 */
export class Burst {
  #lastMs = -Infinity;
  #arrived: (() => void) | undefined;
  #ending: Promise<void> | undefined;

  /** To be called by each as it arrives. */
  arrived(): void {
    this.#lastMs = performance.now();
    this.#arrived?.();
  }

  /**
   * Resolves, for everyone who waits at the same time, when nothing is outstanding. Of a request that was answered well nobody
   * hears, so it counts as outstanding for a while: hence also when nobody has arrived for 250 ms, and after two seconds.
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
      // While the process was too busy for a timer it was too busy for answers as well: that was no quiet.
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
