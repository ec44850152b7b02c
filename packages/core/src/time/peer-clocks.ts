import { lruCache } from '@credence/protocol';
import type { Clock } from './clock.ts';

/** A smaller difference is not reported: a Date header counts whole seconds, and a response takes time. */
const MIN_REPORTED_SKEW_SECONDS = 10;
/** Differences that are not farther apart have one cause: our own clock. */
const SAME_SKEW_SECONDS = 30;

/** A smaller difference is not certain. */
const MIN_CERTAIN_MS = 1_000;
/** A larger difference is reported and not used: it may be the clock of a proxy or a broken Date header. */
const MAX_USED_MS = 24 * 3_600_000;
/** The Date header contains whole seconds, cut off. */
const HALF_SECOND_MS = 500;

/**
 * The difference between the clocks of a peer and of this machine if the Date header of a response shows one for certain, else 0, in
 * milliseconds. `measuredMs` is the Date header minus our time at the end of the response, and `durationMs` is the time between
 * request and response, in which the peer read its clock.
 */
export function certainDifferenceMs(measuredMs: number, durationMs: number): number {
  const differenceMs = measuredMs + HALF_SECOND_MS + durationMs / 2;
  return Math.abs(differenceMs) - durationMs / 2 >= MIN_CERTAIN_MS ? differenceMs : 0;
}

/** What the last response of a peer showed. */
interface Measurement {
  /** The time of the peer at the zero of our monotonic clock, which does not change when our wall clock is corrected. */
  readonly zeroMs: number;
  readonly durationMs: number;
  readonly mayBeStored: boolean;
}

/** How far the clocks of the peers are ahead of ours, by their last response with a Date header. */
export class PeerClocks {
  readonly #clock: Clock;
  readonly #measurements = lruCache<Measurement>(1_000);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Stores the time in a Date header. `peer` is an issuer identifier, or the origin of an MCP server. A response that a cache
   * may have stored does not replace what another response showed.
   */
  note(peer: string, peerTimeMs: number, { durationMs = 0, mayBeStored = false } = {}): void {
    if (mayBeStored && this.#measurements.peek(peer)?.mayBeStored === false) return;
    this.#measurements.set(peer, { zeroMs: peerTimeMs - this.#clock.monotonicMs(), durationMs, mayBeStored });
  }

  /**
   * How far the clock of the peer is ahead of ours, in seconds. For a peer without a Date header it is the difference of all other
   * peers if they agree, because then our own clock is wrong. Undefined if it is not known, or is ten seconds or less.
   */
  skewSeconds(peer: string): number | undefined {
    const own = this.#measurements.peek(peer);
    const skew = own === undefined ? this.#commonSkew() : this.#skewOf(own);
    return skew !== undefined && Math.abs(skew) > MIN_REPORTED_SKEW_SECONDS ? skew : undefined;
  }

  /**
   * How far the clock of the peer is ahead of ours, in milliseconds, for the times in what is signed for this peer. 0 if the clocks
   * agree or the difference is not known.
   */
  differenceMs(peer: string): number {
    const own = this.#measurements.peek(peer);
    const differenceMs = own
      ? certainDifferenceMs(this.#measuredMs(own), own.durationMs)
      : (this.skewSeconds(peer) ?? 0) * 1000;
    return Math.abs(differenceMs) <= MAX_USED_MS ? differenceMs : 0;
  }

  #commonSkew(): number | undefined {
    const skews = [...this.#measurements.values()].map((measurement) => this.#skewOf(measurement));
    const spread = Math.max(...skews) - Math.min(...skews);
    return spread <= SAME_SKEW_SECONDS ? skews[0] : undefined;
  }

  #skewOf(measurement: Measurement): number {
    return Math.round(this.#measuredMs(measurement) / 1000);
  }

  #measuredMs({ zeroMs }: Measurement): number {
    return zeroMs + this.#clock.monotonicMs() - this.#clock.wallMs();
  }
}
