/** Waits for a flight that others share: an aborted signal ends the wait and leaves the flight alone. */
export async function waitFor<T>(flight: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return flight;
  if (signal.aborted) {
    // nobody waits for it any more, and an unhandled rejection would end the process
    flight.catch(() => undefined);
    throw signal.reason;
  }
  return new Promise<T>((resolve, reject) => {
    const stop = () => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
    flight.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
