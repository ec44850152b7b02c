/** Where time comes from; given by tests, otherwise the system's clocks. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch: for what is compared with a peer's claims. */
  wallMs(): number;
  /** A clock that never goes back, in milliseconds: for how long something has been kept. */
  monotonicMs(): number;
}

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};
