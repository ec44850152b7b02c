/** The first pause after a refusal that only a person can end. */
const FIRST_PAUSE_MS = 1_000;
/** The longest pause, and the longest time for which `Retry-After` is respected. */
export const LONGEST_PAUSE_MS = 300_000;
/** A random part, up to this one, is taken off each pause, so that many processes do not ask at the same time. */
const RANDOM_PART = 1 / 4;

/**
 * The pause before the next request, in milliseconds, after so many refusals in a row: a second, doubled by each refusal, at most five
 * minutes. `random` in [0, 1) shortens it by up to a quarter.
 */
export function pauseAfterRefusals(refusals: number, random: number): number {
  const fullMs = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(refusals - 1, 30), LONGEST_PAUSE_MS);
  return fullMs * (1 - random * RANDOM_PART);
}

/** The pause in the `Retry-After` of a peer, in milliseconds, at least a second and at most five minutes. */
export function retryAfterMs({ retryAfterSeconds }: { retryAfterSeconds?: number | undefined }): number | undefined {
  if (retryAfterSeconds === undefined) return undefined;
  return Math.min(Math.max(retryAfterSeconds * 1_000, FIRST_PAUSE_MS), LONGEST_PAUSE_MS);
}
