import type { CredenceError } from '@credence/core';

/** A server whose tools, resources or prompts could not be loaded, or not all of them. */
export interface ServerFailure {
  /** The configured name of the server. */
  readonly server: string;
  /** The error, with leg, remedy and contact. */
  readonly error: CredenceError;
  /** How many of them were loaded nevertheless. */
  readonly loaded: number;
}
