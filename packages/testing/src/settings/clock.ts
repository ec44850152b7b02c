import type { Clock } from '@credence/core';

/** A clock that can be moved forward. Give it to the principal as `clock`, so that its time and that of the fake are the same. */
export interface FakeClock extends Clock {
  /** Lets this time pass, in milliseconds, without waiting. Throws a RangeError for a negative time. */
  advance(ms: number): void;
}

/** A clock that is ahead of `base` by the time that was passed with `advance`. */
export function fakeClock(base: Clock = systemClock): FakeClock {
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

/** Reads the globals at each call, so that the fake timers of a test runner are followed. */
const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};
