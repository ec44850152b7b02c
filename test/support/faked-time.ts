import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { jest } from '@jest/globals';

/** What stays real, so that requests on loopback get their answers. */
const REAL = [
  'hrtime',
  'nextTick',
  'performance',
  'queueMicrotask',
  'setImmediate',
  'clearImmediate',
  'setInterval',
  'clearInterval',
] as const;

/** Timeouts stand still from here on, until the test moves them. `jest.useRealTimers()` ends it. */
export function stopTimeouts(): void {
  jest.useFakeTimers({ doNotFake: [...REAL, 'Date'] });
}

/** Timeouts and `Date` stand still from here on, until the test moves them. `jest.useRealTimers()` ends it. */
export function stopTime(): void {
  jest.useFakeTimers({ doNotFake: [...REAL] });
}

/** Lets time pass, as fast as the program takes it, until `work` is done. It begins once `begun` is true. */
export async function whileTimePasses<T>(work: Promise<T>, begun: () => boolean): Promise<T> {
  const done = work.then(
    () => true,
    () => true,
  );
  const isDone = () => Promise.race([done, Promise.resolve(false)]);
  while (!begun() && !(await isDone())) await setImmediate();
  // What was sent meanwhile arrives.
  await sleep(20);
  while (!(await isDone())) {
    await jest.advanceTimersByTimeAsync(100);
    await setImmediate();
  }
  return work;
}
