import pRetry from 'p-retry';
import { isCredenceError } from '../errors/credence-error.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { sleep } from '../time/sleep.ts';

/**
 * Calls `attempt` again, by p-retry, after an error that is `retryable`. The pause is the `Retry-After` of the peer, or a jittered
 * pause that doubles each time. Each attempt creates its own client assertion and DPoP proof.
 */
export async function retrying<T>(
  runtime: Runtime,
  signal: AbortSignal | undefined,
  attempt: (attemptNumber: number) => Promise<T>,
): Promise<T> {
  const { retries, minDelayMs, maxDelayMs, maxRetryAfterMs } = runtime.retry;
  return pRetry(attempt, {
    retries,
    minTimeout: minDelayMs,
    maxTimeout: maxDelayMs,
    randomize: true,
    signal,
    shouldRetry: ({ error }) =>
      isCredenceError(error) && error.retryable && (error.retryAfterSeconds ?? 0) * 1000 <= maxRetryAfterMs,
    onFailedAttempt: async ({ error, retriesLeft }) => {
      if (retriesLeft === 0 || !isCredenceError(error) || !error.retryable) return;
      const waitMs = (error.retryAfterSeconds ?? 0) * 1000;
      if (waitMs > 0 && waitMs <= maxRetryAfterMs) await sleep(waitMs, signal);
    },
  });
}
