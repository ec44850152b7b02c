import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { jest } from '@jest/globals';

/** Functions that are not faked, because requests on loopback need them. */
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

/** Fakes `setTimeout`. Timers fire only when the test advances them. `jest.useRealTimers()` restores it. */
export function stopTimeouts(): void {
  jest.useFakeTimers({ doNotFake: [...REAL, 'Date'] });
}

/** Fakes `setTimeout` and `Date`. They move only when the test advances them. `jest.useRealTimers()` restores them. */
export function stopTime(): void {
  jest.useFakeTimers({ doNotFake: [...REAL] });
}

/** Fakes `Date` alone, which moves only by `jest.setSystemTime`. Timers run. `jest.useRealTimers()` restores it. */
export function stopDates(): void {
  jest.useFakeTimers({ doNotFake: [...REAL, 'setTimeout', 'clearTimeout'], now: Date.now() });
}

/** Waits until `begun` returns true, and then advances the faked time until `work` is settled. */
export async function whileTimePasses<T>(work: Promise<T>, begun: () => boolean): Promise<T> {
  const done = work.then(
    () => true,
    () => true,
  );
  const isDone = () => Promise.race([done, Promise.resolve(false)]);
  while (!begun() && !(await isDone())) await setImmediate();
  // Requests that were just sent need a moment of real time to arrive.
  await sleep(20);
  while (!(await isDone())) {
    await jest.advanceTimersByTimeAsync(100);
    await setImmediate();
  }
  return work;
}
