/**
 * Whether `value` is an Error, also one of another realm. A test runner such as jest runs code in a realm of its own, and the errors of
 * fetch, fs and crypto are then those of another one, for which `instanceof Error` is false.
 */
export function isError(value: unknown): value is Error {
  return value instanceof Error || /^\[object (?:Error|DOMException)\]$/u.test(Object.prototype.toString.call(value));
}
