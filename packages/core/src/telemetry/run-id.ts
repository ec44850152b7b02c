import { cleanRunId, MAX_RUN_ID } from '@credence/protocol';
import { CredenceError } from '../errors/credence-error.ts';

/** The id of a run, or a function that returns it for each call. */
export type RunId = string | (() => string | undefined);

/** The id that the caller states for the current call. A function that throws states none. */
export function runIdOf(run: RunId | undefined): string | undefined {
  if (typeof run !== 'function') return cleanRunId(run);
  try {
    return cleanRunId(run());
  } catch {
    return undefined;
  }
}

/** Throws `invalid_configuration` for a `run` that is neither a text that can be an id nor a function. */
export function checkRunId(run: unknown, option: string): void {
  if (run === undefined || typeof run === 'function' || (typeof run === 'string' && cleanRunId(run) === run)) return;
  throw new CredenceError({
    code: 'invalid_configuration',
    leg: 'configure',
    message: `${option} is not the id of a run.`,
    remedy: `Set ${option} to 1 to ${MAX_RUN_ID} visible ASCII characters without spaces, such as a UUID, or to a function that returns them.`,
    contact: 'you',
  });
}
