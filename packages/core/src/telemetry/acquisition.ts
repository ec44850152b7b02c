import { AsyncLocalStorage } from 'node:async_hooks';

const current = new AsyncLocalStorage<string>();
let count = 0;

/** Runs one acquisition, so that what is reported on the way can be told to belong to it. */
export function runAsAcquisition<T>(work: () => T): T {
  count += 1;
  return current.run(`${process.pid.toString(36)}-${count.toString(36)}`, work);
}

export function currentAcquisition(): string | undefined {
  return current.getStore();
}
