import { isCredenceError } from '../errors/credence-error.ts';
import { tooLong } from './failures.ts';

/**
 * Runs one acquisition, including its retries, for at most `totalMs`. If the signal `closing` aborts, the acquisition is
 * aborted at once.
 */
export async function withDeadline<T>(
  { server, totalMs, closing }: { server: string; totalMs: number; closing: AbortSignal },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(tooLong(server, totalMs)), totalMs);
  const stop = () => deadline.abort(closing.reason);
  if (closing.aborted) stop();
  closing.addEventListener('abort', stop, { once: true });
  try {
    deadline.signal.throwIfAborted();
    return await work(deadline.signal);
  } catch (error) {
    throw deadline.signal.aborted && !isCredenceError(error) ? deadline.signal.reason : error;
  } finally {
    clearTimeout(timer);
    closing.removeEventListener('abort', stop);
  }
}
