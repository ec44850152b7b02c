import type { CredenceError } from '../errors/credence-error.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { FetchForOptions } from './fetch-for-options.ts';
import type { ServerAccess } from './server-access.ts';
import type { UnansweredCalls } from './unanswered.ts';
import type { WaitingCalls } from './waiting-calls.ts';
import type { WhenClosed } from './when-closed.ts';

/** The values that all calls of one `fetchFor` share. */
export interface FetchContext {
  readonly runtime: Runtime;
  readonly access: ServerAccess;
  readonly options: FetchForOptions;
  readonly waiting: WaitingCalls;
  readonly unanswered: UnansweredCalls<Call>;
  /** For the event streams of calls without a signal: calls `end` when the principal is closed, unless the result was called. */
  readonly whenClosed?: WhenClosed | undefined;
}

/** One call: its request, and what was already done for it. Concurrent calls do not change each other's state. */
export interface Call {
  readonly target: URL;
  readonly init: RequestInit;
  /** When the call started, in milliseconds of the monotonic clock. */
  readonly startedMs: number;
  /** Whether its failure was counted. */
  isReported?: boolean;
  /** Whether it was sent with a token. */
  isSent?: boolean;
  /** Why the last response is no answer. */
  failure?: CredenceError | undefined;
  /** When it was sent last, by the wall clock. */
  sentAtMs?: number;
  /** How many of its tokens were valid when it was sent, and had ended when the server refused them. */
  tokensEnded?: number;
  /** The token that the server refused, if it was replaced for this call. */
  replaced?: { readonly wasAccepted: boolean };
  steppedUp?: boolean;
  /** Whether the current token was sent again because of a DPoP nonce. */
  nonceUsed?: boolean;
  /** Whether a token was sent again because its DPoP proof had a wrong time. */
  clockUsed?: boolean;
}
