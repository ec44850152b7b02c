import pLimit from 'p-limit';

/** How much is run at once. */
export interface Limits {
  /** How many run at the same time; the others wait in order. */
  readonly atOnce: number;
  /** How long one waits for its turn. */
  readonly waitMs: number;
}

/** Runs `work` in its turn. Where the turn does not come in time, `work` is not run, and what `tooLate` makes is thrown. */
export type Limited = <T>(work: () => Promise<T>, tooLate: () => Error) => Promise<T>;

/** Runs a number of promises at the same time, the others in order, and none that has waited for too long. */
export function limited({ atOnce, waitMs }: Limits): Limited {
  const limit = pLimit(atOnce);
  return async (work, tooLate) =>
    new Promise((resolve, reject) => {
      let isLate = false;
      const timer = setTimeout(() => {
        isLate = true;
        reject(tooLate());
      }, waitMs);
      // one that is late stays in the queue, and ends as soon as its turn comes
      void limit(async () => {
        if (isLate) return;
        clearTimeout(timer);
        try {
          resolve(await work());
        } catch (error) {
          // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- it is what `work` threw
          reject(error);
        }
      });
    });
}
