import type { CredenceError } from '../errors/credence-error.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { FetchForOptions } from './fetch-for-options.ts';
import type { ServerAccess } from './server-access.ts';
import type { WaitingCalls } from './waiting-calls.ts';

/** The values that all calls of one `fetchFor` share. */
export interface FetchContext {
  readonly runtime: Runtime;
  readonly access: ServerAccess;
  readonly options: FetchForOptions;
  readonly waiting: WaitingCalls;
  /** For the event streams of calls without a signal: calls `end` when the principal is closed, unless the result was called. */
  readonly whenClosed?: WhenClosed | undefined;
}

/** Calls `end` when the principal is closed. Returns a function that ends the wait. */
export type WhenClosed = (end: (reason: Error) => void) => () => void;

/** One call: its request, and what was already done for it. Concurrent calls do not change each other's state. */
export interface Call {
  readonly target: URL;
  readonly init: RequestInit;
  /** When the call started, in milliseconds of the monotonic clock. 0 if nobody listens to events. */
  readonly startedMs: number;
  /** What the error status of the last response means, if somebody listens to events. */
  failure?: CredenceError | undefined;
  /** The token that the server refused, if it was replaced for this call. */
  replaced?: { readonly wasAccepted: boolean };
  steppedUp?: boolean;
  /** Whether the current token was sent again because of a DPoP nonce. */
  nonceUsed?: boolean;
}
