export interface TurnLimits {
  /** How many have a turn at once. */
  readonly atOnce: number;
  /** How long one waits for its turn. */
  readonly waitMs: number;
}

/**
 * Lets a number of questions be asked at once, and the others wait in order. Resolves to false where the turn did not
 * come in time; one that came must be given back.
 */
export class Turns {
  readonly #limits: TurnLimits;
  readonly #waiting = new Set<() => void>();
  #taken = 0;

  constructor(limits: TurnLimits) {
    this.#limits = limits;
  }

  take(): Promise<boolean> {
    if (this.#taken < this.#limits.atOnce) {
      this.#taken += 1;
      return Promise.resolve(true);
    }
    return new Promise((resolve) => {
      const decide = (hasTurn: boolean) => () => {
        clearTimeout(timer);
        this.#waiting.delete(mine);
        resolve(hasTurn);
      };
      const mine = decide(true);
      const timer = setTimeout(decide(false), this.#limits.waitMs);
      this.#waiting.add(mine);
    });
  }

  /** Hands the turn to the one that has waited longest. */
  giveBack(): void {
    const [next] = this.#waiting;
    if (next === undefined) this.#taken -= 1;
    else next();
  }
}
