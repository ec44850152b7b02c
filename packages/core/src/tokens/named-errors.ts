import type { CredenceError } from '../errors/credence-error.ts';
import { copyOf } from '../errors/same-failure.ts';

/** Copies of errors with the name of a server. The error of a request that is the same for all servers has no server. */
export class NamedErrors {
  /** By error, the copy of each server. A copy stays the same object as long as the error is repeated, so it is reported once. */
  readonly #copies = new WeakMap<CredenceError, Map<string, CredenceError>>();

  /** The error with the name of the server, or the error itself if it has a name or says that the principal was closed. */
  for(error: CredenceError, server: string): CredenceError {
    if (error.server !== undefined || error.code === 'closed') return error;
    const copies = this.#copies.get(error) ?? new Map<string, CredenceError>();
    this.#copies.set(error, copies);
    const named = copies.get(server) ?? copyOf(error, { server });
    copies.set(server, named);
    return named;
  }
}
