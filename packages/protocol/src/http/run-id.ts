/** The header that contains the id of the run (`run`). A server records it as stated by the client, and decides nothing by it. */
export const RUN_HEADER = 'credence-run';

/** The maximum length of the id of a run, in characters. */
export const MAX_RUN_ID = 128;

/**
 * The id of a run for a header, for events and for records: at most 128 visible ASCII characters. Other characters are removed. Undefined if
 * nothing is left. Everyone with a valid token can state any run, so it is for records only.
 */
export function cleanRunId(run: unknown): string | undefined {
  if (typeof run !== 'string') return undefined;
  // A long text is cut first, so that its length does not cost time.
  const clean = run
    .slice(0, 4 * MAX_RUN_ID)
    .replace(/[^\x21-\x7e]/gu, '')
    .slice(0, MAX_RUN_ID);
  return clean === '' ? undefined : clean;
}
