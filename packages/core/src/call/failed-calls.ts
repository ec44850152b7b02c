import type { CredenceError } from '../errors/credence-error.ts';

/** The failed calls of one server since the start, for `status()`. */
export class FailedCalls {
  #count = 0;
  #last: { readonly error: CredenceError; readonly atMs: number } | undefined;

  get count(): number {
    return this.#count;
  }

  /** The last failure, and when it happened, in milliseconds since the epoch. */
  get last(): { readonly error: CredenceError; readonly atMs: number } | undefined {
    return this.#last;
  }

  add(error: CredenceError, atMs: number): void {
    this.#count += 1;
    this.#last = { error, atMs };
  }
}
