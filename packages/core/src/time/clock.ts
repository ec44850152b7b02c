/** The clock that Credence uses. Default: the clocks of the system. A test can replace it. */
export interface Clock {
  /** The wall clock, in milliseconds since the epoch. This time is compared with the times of peers. */
  wallMs(): number;
  /** A monotonic clock, in milliseconds. It is used to measure durations. */
  monotonicMs(): number;
}

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};
