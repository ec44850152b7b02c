/**
 * Jest runs a test in a realm of its own, with its own `Error`. Errors of fetch, fs and crypto are created in the realm of
 * Node.js, so they are not `instanceof Error` in the test, and a library that checks this behaves differently than in
 * production. After this function `instanceof` accepts the errors of both realms. `inner` is the global object of the test,
 * `outer` that of Node.js.
 */
export function acceptErrorsOf(outer: typeof globalThis, inner: typeof globalThis): void {
  for (const name of ['Error', 'TypeError', 'RangeError', 'SyntaxError', 'AggregateError'] as const) {
    const own = inner[name];
    const other = outer[name];
    if (own === other) continue;
    const ordinary = Function.prototype[Symbol.hasInstance];
    Object.defineProperty(own, Symbol.hasInstance, {
      configurable: true,
      value(this: unknown, value: unknown) {
        return ordinary.call(this, value) || (this === own && ordinary.call(other, value));
      },
    });
  }
}
