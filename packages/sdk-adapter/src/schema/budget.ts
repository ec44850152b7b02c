import { TooMuchWork } from './unusable-schema.ts';

/** Counts work before it is done. A unit is about 0.1 microseconds. */
export interface Work {
  /** Throws {@link TooMuchWork} when the work is more than the limit. */
  spend(units: number): void;
}

/** A limit on work. What is done with one budget together takes at most its units. */
export class Budget implements Work {
  readonly #units: number;
  readonly #what: string;
  #spent = 0;

  /** `what` is the subject of the message, for example `a validation takes`. */
  constructor(units: number, what: string) {
    this.#units = units;
    this.#what = what;
  }

  get spent(): number {
    return this.#spent;
  }

  /** Whether it was not enough for the work. Then nothing more can be done with it. */
  get isSpent(): boolean {
    return this.#spent > this.#units;
  }

  spend(units: number): void {
    this.#spent += units;
    if (this.#spent > this.#units) throw new TooMuchWork(`${this.#what} more than ${this.#units} units of work`);
  }
}

/** The work to list the names of an object. A large object is a hash table, whose names are also copied and put in order. */
export function workOfNames(count: number): number {
  return count > 64 ? 3 * count : count / 4;
}
