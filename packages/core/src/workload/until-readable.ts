import { isError } from '@credence/protocol';
import { isCredenceError } from '../errors/credence-error.ts';
import { sleep } from '../time/sleep.ts';

const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 250;

/**
 * Reads a local credential, such as a file, again until it can be read or `signal` is aborted: the program that replaces it may have
 * removed, truncated or locked it for a moment. After the time limit the reason of the last failure is thrown, not the time limit.
 * Every error other than `credential_unavailable` is thrown at once, and so is the reason of a signal that is aborted for another
 * cause than the time.
 */
export async function untilReadable<T>(read: () => Promise<T>, signal: AbortSignal): Promise<T> {
  let last: unknown;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 1.5, LONGEST_PAUSE_MS)) {
    try {
      return await read();
    } catch (error) {
      if (signal.aborted) throw reasonOf(signal, last ?? error);
      if (!isCredenceError(error) || error.code !== 'credential_unavailable') throw error;
      last = error;
    }
    try {
      await sleep(pauseMs, signal);
    } catch {
      throw reasonOf(signal, last);
    }
  }
}

function reasonOf(signal: AbortSignal, failure: unknown): unknown {
  const { reason } = signal as { reason: unknown };
  const isTimeLimit = isCredenceError(reason)
    ? reason.code === 'timeout'
    : isError(reason) && reason.name === 'TimeoutError';
  return isTimeLimit ? failure : reason;
}
