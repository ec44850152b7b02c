import { type ConcurrencyLimiter, concurrencyLimiter } from '@credence/protocol';
import { CredenceError } from '../errors/credence-error.ts';

/** Longer than a thousand acquisitions need, and short enough that a caller gets an error while its application still runs. */
const MAX_WAIT_MS = 120_000;

/**
 * The limiters of this process. They are shared by all principals: each acquisition opens connections, and a thousand principals
 * that start at once would need more file descriptors than a process may have. One authorization server that does not answer
 * delays only its own tokens, because each has its own limiter.
 */
const limiters = new Map<string, { readonly run: ConcurrencyLimiter; pending: number }>();

/** Runs an acquisition at once, or when fewer than `max` others for this authorization server are running. */
export async function withAcquisitionLimit<T>(
  { server, issuer, max }: { server: string; issuer: string; max: number },
  acquire: () => Promise<T>,
): Promise<T> {
  const key = `${max} ${issuer}`;
  const limiter = limiters.get(key) ?? {
    run: concurrencyLimiter({ maxConcurrent: max, maxWaitMs: MAX_WAIT_MS }),
    pending: 0,
  };
  limiters.set(key, limiter);
  limiter.pending += 1;
  try {
    return await limiter.run(acquire, () => tooManyAcquisitions(server, max));
  } finally {
    limiter.pending -= 1;
    if (limiter.pending === 0) limiters.delete(key);
  }
}

function tooManyAcquisitions(server: string, max: number): CredenceError {
  return new CredenceError({
    code: 'timeout',
    leg: 'authenticate',
    message: `The acquisition of a token for server "${server}" waited for ${MAX_WAIT_MS / 1000} s, because ${max} other acquisitions for its authorization server were running.`,
    remedy: 'Prepare fewer principals at the same time, or raise limits.concurrentAcquisitions.',
    contact: 'you',
    server,
    retryable: true,
  });
}
