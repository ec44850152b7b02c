import { lruCache } from '@credence/protocol';
import type { Clock } from './clock.ts';

/** A smaller difference is not reported: a Date header counts whole seconds, and a response takes time. */
const MIN_REPORTED_SKEW_SECONDS = 10;
/** Differences that are not farther apart have one cause: our own clock. */
const SAME_SKEW_SECONDS = 30;

/** How far the clocks of the peers are ahead of ours, by their last response with a Date header. */
export class PeerClocks {
  readonly #clock: Clock;
  /** The time of each peer at the zero of our monotonic clock, which does not change when our wall clock is corrected. */
  readonly #zeros = lruCache<{ readonly ms: number }>(1_000);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Stores the time in a Date header. `peer` is an issuer identifier, or the origin of an MCP server. */
  note(peer: string, peerTimeMs: number): void {
    this.#zeros.set(peer, { ms: peerTimeMs - this.#clock.monotonicMs() });
  }

  /**
   * How far the clock of the peer is ahead of ours, in seconds. For a peer without a Date header it is the difference of all other
   * peers if they agree, because then our own clock is wrong. Undefined if it is not known, or is ten seconds or less.
   */
  skewSeconds(peer: string): number | undefined {
    const own = this.#zeros.peek(peer);
    const skew = own === undefined ? this.#commonSkew() : this.#skewOf(own.ms);
    return skew !== undefined && Math.abs(skew) > MIN_REPORTED_SKEW_SECONDS ? skew : undefined;
  }

  #commonSkew(): number | undefined {
    const skews = [...this.#zeros.values()].map(({ ms }) => this.#skewOf(ms));
    const spread = Math.max(...skews) - Math.min(...skews);
    return spread <= SAME_SKEW_SECONDS ? skews[0] : undefined;
  }

  #skewOf(zeroMs: number): number {
    return Math.round((zeroMs + this.#clock.monotonicMs() - this.#clock.wallMs()) / 1000);
  }
}
