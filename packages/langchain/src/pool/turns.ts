/** How many principals load their tools at the same time. */
const AT_ONCE = 50;
/** After this time a principal that is still loading gives its turn to the next one, in milliseconds. */
const TURN_MS = 1_000;

/**
 * Lets principals load their tools in turns. If a thousand start together, each would take as long as all of them, and exceed
 * `deadlineMs` of `loadTools`. The turn of a principal ends after some time also if its servers do not answer, so that it does not
 * hold up the others: then more load at the same time.
 */
export class Turns {
  #taken = 0;
  /** Those that wait, the first one first. */
  readonly #waiting = new Set<() => void>();

  /** Runs `work` when it is its turn. Throws the reason of `signal` if that aborts before. */
  async run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    if (this.#taken < AT_ONCE) this.#taken += 1;
    // The turn of another one is passed on, so the number of those that are taken stays.
    else await this.#turn(signal);
    let isOver = false;
    const end = () => {
      if (!isOver) this.#passOn();
      isOver = true;
    };
    const timer = setTimeout(end, TURN_MS).unref();
    try {
      signal.throwIfAborted();
      return await work();
    } finally {
      clearTimeout(timer);
      end();
    }
  }

  async #turn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const take = () => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = () => {
        this.#waiting.delete(take);
        reject(signal.reason);
      };
      this.#waiting.add(take);
      signal.addEventListener('abort', leave);
    });
  }

  #passOn(): void {
    const [next] = this.#waiting;
    if (!next) {
      this.#taken -= 1;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
