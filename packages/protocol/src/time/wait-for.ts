/**
 * Settles like `promise`, or rejects with the reason of `signal` when `signal` is aborted. The abort does not stop the work
 * behind `promise`, so that other callers can wait for the same promise.
 */
export async function waitFor<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  if (signal.aborted) {
    // Without this handler, a rejection of `promise` could be unhandled, which ends the process.
    promise.catch(() => undefined);
    throw signal.reason;
  }
  return new Promise<T>((resolve, reject) => {
    const rejectNow = () => reject(signal.reason as Error);
    signal.addEventListener('abort', rejectNow, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', rejectNow));
  });
}
