import type { FetchLike } from '@credence/protocol';
import type { CredenceEvent } from './events.ts';
import type { NetworkTrust } from '@credence/protocol';
import type { Clock } from '../time/clock.ts';

/** How often and how patiently a request that may still succeed is tried again. */
export interface RetryOptions {
  /** Tries after the first. Default 2. */
  readonly retries: number;
  /** First pause in milliseconds, doubled each time and jittered. Default 200. */
  readonly minDelayMs: number;
  /** Longest pause in milliseconds. Default 2,000. */
  readonly maxDelayMs: number;
  /** A `Retry-After` beyond this many milliseconds is not waited for: the caller is told instead. Default 10,000. */
  readonly maxRetryAfterMs: number;
}

/** How long a peer may take, in milliseconds. */
export interface TimeoutOptions {
  /** For one request, its body included. Default 10,000. */
  readonly requestMs: number;
  /** For a whole acquisition with its retries. Default 30,000. */
  readonly totalMs: number;
}

/** What all of core's folders use: passed as a parameter, never global. */
export interface Runtime {
  readonly fetch: FetchLike;
  readonly clock: Clock;
  readonly retry: RetryOptions;
  readonly timeout: TimeoutOptions;
  readonly network: NetworkTrust;
  /** Whether anybody is told. */
  readonly observed: boolean;
  /** Never throws. */
  readonly emit: (event: UntimedEvent) => void;
}

type Untimed<Event> = Event extends unknown ? Omit<Event, 'timeMs' | 'principal' | 'acquisition'> : never;
/** An event as a room reports it; when, whose and within what is added in one place. */
export type UntimedEvent = Untimed<CredenceEvent>;
