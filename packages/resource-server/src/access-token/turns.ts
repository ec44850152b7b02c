export interface ConcurrencyLimits {
  /** How many tasks run at once. */
  readonly atOnce: number;
  /** How long a task waits to start. */
  readonly waitMs: number;
}

/**
 * Limits how many tasks run at once. Further tasks wait in order. `acquire` resolves to true when the task may start, and
 * to false if it waited too long. A task that started must call `release` at its end.
 */
export class ConcurrencyLimiter {
  readonly #limits: ConcurrencyLimits;
  readonly #waiting = new Set<() => void>();
  #running = 0;

  constructor(limits: ConcurrencyLimits) {
    this.#limits = limits;
  }

  acquire(): Promise<boolean> {
    if (this.#running < this.#limits.atOnce) {
      this.#running += 1;
      return Promise.resolve(true);
    }
    return new Promise((resolve) => {
      const settle = (mayStart: boolean) => () => {
        clearTimeout(timer);
        this.#waiting.delete(start);
        resolve(mayStart);
      };
      const start = settle(true);
      const timer = setTimeout(settle(false), this.#limits.waitMs);
      this.#waiting.add(start);
    });
  }

  /** Starts the task that has waited longest. */
  release(): void {
    const [next] = this.#waiting;
    if (next === undefined) this.#running -= 1;
    else next();
  }
}
