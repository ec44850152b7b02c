import type { Clock } from '@credence/core';

/** A clock that can be moved forward. Give it to the principal as `clock`, so that its time and that of the fake are the same. */
export interface FakeClock extends Clock {
  /** Lets this time pass, in milliseconds, without waiting. Throws a RangeError for a negative time. */
  advance(ms: number): void;
}

/** A clock that is ahead of `base` by the time that was passed with `advance`. */
export function fakeClock(base: Clock = systemClock()): FakeClock {
  let aheadMs = 0;
  return {
    wallMs: () => base.wallMs() + aheadMs,
    monotonicMs: () => base.monotonicMs() + aheadMs,
    advance(ms) {
      if (!(ms >= 0)) throw new RangeError(`advance: ${ms} is not a time in milliseconds`);
      aheadMs += ms;
    },
  };
}

/** A smaller step of the wall clock can be the time between two readings. */
const STEP_MS = 100;

/**
 * Reads the globals at each call, so that the fake timers of a test runner are followed. Some of them move only `Date`:
 * `jest.setSystemTime`, and the timers of node:test. Then the monotonic clock gets the same step forward.
 */
function systemClock(): Clock {
  let stepsMs = 0;
  let gapMs = Date.now() - performance.now();
  return {
    wallMs: () => Date.now(),
    monotonicMs() {
      const nowMs = performance.now();
      const steppedMs = Date.now() - nowMs - gapMs;
      if (Math.abs(steppedMs) >= STEP_MS) {
        gapMs += steppedMs;
        stepsMs += Math.max(0, steppedMs);
      }
      return nowMs + stepsMs;
    },
  };
}
