import pLimit from 'p-limit';

/** Limits for concurrent asynchronous functions. */
export interface ConcurrencyLimits {
  /** How many functions run at the same time. Further ones wait in a queue, in order. */
  readonly maxConcurrent: number;
  /** How long a function waits in the queue, in milliseconds. */
  readonly maxWaitMs: number;
}

/**
 * Calls `work`, at once or after it waited in the queue, and returns its result. If `work` waits longer than `maxWaitMs`, it is
 * not called, and the promise rejects with the result of `timeoutError`.
 */
export type ConcurrencyLimiter = <T>(work: () => Promise<T>, timeoutError: () => Error) => Promise<T>;

/** Creates a limiter for the functions that are passed to it. */
export function concurrencyLimiter({ maxConcurrent, maxWaitMs }: ConcurrencyLimits): ConcurrencyLimiter {
  const limit = pLimit(maxConcurrent);
  return async (work, timeoutError) =>
    new Promise((resolve, reject) => {
      let isTimedOut = false;
      // No timer for a function that does not wait: fake timers that are advanced by a long time would run it before the function starts.
      const isQueued = limit.activeCount + limit.pendingCount >= maxConcurrent;
      const timer = isQueued
        ? setTimeout(() => {
            isTimedOut = true;
            reject(timeoutError());
          }, maxWaitMs)
        : undefined;
      // After the timeout the entry stays in the queue of p-limit, and does nothing when it is started.
      void limit(async () => {
        if (isTimedOut) return;
        clearTimeout(timer);
        try {
          resolve(await work());
        } catch (error) {
          // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the value that `work` threw is passed on unchanged
          reject(error);
        }
      });
    });
}
