import { CredenceError } from './credence-error.ts';

/** By copy, the error that a failed request has thrown. */
const originals = new WeakMap<CredenceError, CredenceError>();

/**
 * The error of the failed request that `error` repeats. One request can concern several servers; each gets an error with its own name,
 * and all of these have the same original.
 */
export function originalOf(error: CredenceError): CredenceError {
  return originals.get(error) ?? error;
}

/** A copy of the error with other words, for another server that the same request concerns. */
export function copyOf(
  error: CredenceError,
  changes: { readonly server: string; readonly message?: string; readonly remedy?: string },
): CredenceError {
  const { name: _name, ...members } = error.toJSON();
  const copy = new CredenceError({ ...members, ...changes, cause: error.cause });
  originals.set(copy, originalOf(error));
  return copy;
}
