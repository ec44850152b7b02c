import { CredenceError } from '../errors/credence-error.ts';

/** The header that contains the id of the run (`run`). A server records it as stated by the client, and decides nothing by it. */
export const RUN_HEADER = 'credence-run';
const MAX_LENGTH = 128;

/** The id of a run, or a function that returns it for each call. */
export type RunId = string | (() => string | undefined);

/**
 * The id for a header and for events: at most 128 visible ASCII characters. Other characters are removed. Undefined if nothing is left.
 */
export function cleanRunId(run: unknown): string | undefined {
  if (typeof run !== 'string') return undefined;
  // A long text is cut first, so that its length does not cost time.
  const clean = run
    .slice(0, 4 * MAX_LENGTH)
    .replace(/[^\x21-\x7e]/gu, '')
    .slice(0, MAX_LENGTH);
  return clean === '' ? undefined : clean;
}

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
    remedy: `Set ${option} to 1 to ${MAX_LENGTH} visible ASCII characters without spaces, such as a UUID, or to a function that returns them.`,
    contact: 'you',
  });
}
