/** Calls a function of the application. An error that it throws, also later, goes to `onError`, whose own errors are ignored. */
export function callSafely<T>(call: (value: T) => unknown, value: T, onError: (error: unknown) => void): void {
  // oxlint-disable-next-line typescript/no-floating-promises -- both callbacks cannot throw
  Promise.resolve(value)
    .then(call)
    .catch(onError)
    .catch(() => undefined);
}
