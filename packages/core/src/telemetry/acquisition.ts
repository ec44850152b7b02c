import { AsyncLocalStorage } from 'node:async_hooks';

const current = new AsyncLocalStorage<string>();
let count = 0;

/**
 * Runs one acquisition with a new id. `currentAcquisition` returns the id for every event that is emitted during the
 * acquisition.
 */
export function runAsAcquisition<T>(work: () => T): T {
  count += 1;
  return current.run(`${process.pid.toString(36)}-${count.toString(36)}`, work);
}

export function currentAcquisition(): string | undefined {
  return current.getStore();
}
