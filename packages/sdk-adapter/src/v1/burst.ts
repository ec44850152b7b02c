const QUIET_MS = 100;
const LONGEST_MS = 1_000;

/**
 * Holds together what arrives together. SDK v1 keeps one flag per transport that says "authorized a moment ago", set when
 * authorization ends and cleared by the next success, and fails every call whose 401 arrives in between. So none of the calls
 * that were refused together is let go before the last of them is there.
 */
export class Burst {
  #lastMs = -Infinity;

  /** To be called by each as it arrives. */
  arrived(): void {
    this.#lastMs = performance.now();
  }

  /** Resolves when nobody has arrived for 100 ms, or after a second. */
  async over(): Promise<void> {
    const endMs = performance.now() + LONGEST_MS;
    for (;;) {
      const nowMs = performance.now();
      const waitMs = Math.min(this.#lastMs + QUIET_MS, endMs) - nowMs;
      if (waitMs <= 0) return;
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }
}
