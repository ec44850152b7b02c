import type { FetchLike } from '@credence/protocol';
import type { ClientGate } from '../backoff/client-backoff.ts';
import type { CredenceEvent } from './events.ts';
import type { NetworkTrust } from '@credence/protocol';
import type { Clock } from '../time/clock.ts';
import type { PeerClocks } from '../time/peer-clocks.ts';

/** How often, and after which pauses, a request is sent again after a retryable error. */
export interface RetryOptions {
  /** The number of attempts after the first. Default 2. */
  readonly retries: number;
  /** The first pause in milliseconds. Each later pause is twice as long; a random part is added. Default 200. */
  readonly minDelayMs: number;
  /** The longest pause in milliseconds. Default 2,000. */
  readonly maxDelayMs: number;
  /** If `Retry-After` is longer than this, in milliseconds, the error is thrown without another attempt. Default 10,000. */
  readonly maxRetryAfterMs: number;
}

/** Time limits in milliseconds. */
export interface TimeoutOptions {
  /** The limit for one request, including the body of the response. Default 10,000. */
  readonly requestMs: number;
  /** The limit for a whole acquisition, including its retries. Default 30,000. */
  readonly totalMs: number;
}

/** Limits that are not time limits. */
export interface PrincipalLimits {
  /**
   * How many acquisitions run at the same time for one authorization server, counted over all principals of the process with this
   * value. Further ones wait in order, for at most two minutes. Default 20.
   */
  readonly concurrentAcquisitions: number;
}

/** The functions and limits that all folders of core use. The runtime is passed as a parameter, not stored in global variables. */
export interface Runtime {
  readonly fetch: FetchLike;
  readonly clock: Clock;
  readonly retry: RetryOptions;
  readonly timeout: TimeoutOptions;
  readonly limits: PrincipalLimits;
  readonly network: NetworkTrust;
  /** What is known of the clocks of all peers. */
  readonly peerClocks?: PeerClocks | undefined;
  /** Every token request passes it. It repeats the last refusal of a client for a while. */
  readonly clients: ClientGate;
  /** Whether there is a listener for events. */
  readonly observed: boolean;
  /** Never throws. */
  readonly emit: (event: UntimedEvent) => void;
}

type Untimed<Event> = Event extends unknown
  ? Omit<Event, 'timeMs' | 'principal' | 'label' | 'acquisition' | 'user' | 'run'>
  : never;
/** An event without `timeMs`, `principal`, `label`, `acquisition`, `user` and `run`. `emit` adds them. */
export type UntimedEvent = Untimed<CredenceEvent>;
