/** The header in which a client states the id of its run. */
export const RUN_HEADER = 'credence-run';
const MAX_LENGTH = 128;

/**
 * The id of the run, as the client states it: at most 128 visible ASCII characters, without others. Undefined if there is none. Everyone with a
 * valid token can state any run, so it is for records only.
 */
export function statedRun(header: string | readonly string[] | null | undefined): string | undefined {
  if (typeof header !== 'string') return undefined;
  const clean = header
    .slice(0, 4 * MAX_LENGTH)
    .replace(/[^\x21-\x7e]/gu, '')
    .slice(0, MAX_LENGTH);
  return clean === '' ? undefined : clean;
}
