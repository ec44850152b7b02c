/** Shared by all copies of this module, because a test runner can load it more than once. */
const IN_MEMORY = Symbol.for('credence.in-memory');

/**
 * Marks a fetch, or the clock that belongs to it, whose peers exist only in memory. Their tokens must not be given to code that sends
 * requests by another fetch: the request would go to the network.
 */
export function markInMemory<T extends object>(value: T): T {
  return Object.defineProperty(value, IN_MEMORY, { value: true });
}

/** Whether `markInMemory` was called for it. */
export function isInMemory(value: object): boolean {
  return IN_MEMORY in value;
}
