import type { ErrorCode } from '../errors/codes.ts';
import type { FailedCalls } from '../call/failed-calls.ts';
import type { CredenceError } from '../errors/credence-error.ts';
import type { Contact, Leg } from '../errors/leg.ts';
import type { StoreState } from '../store/shared-store.ts';
import type { KeyState } from '../tokens/token-wanted.ts';

/** The token that calls to a server use. */
export interface TokenStatus {
  /** How long this process has had the token, in milliseconds. */
  readonly ageMs: number;
  /** The time until the token expires, in milliseconds. */
  readonly expiresInMs: number;
  /** The time at which the token expires, by the wall clock of this machine. */
  readonly expiresAt: Date;
  /** The granted scopes. */
  readonly scopes: readonly string[];
}

/** The last failure of a server: of a call, of `token()` or of a renewal in the background. */
export interface FailureStatus {
  /** When it happened. */
  readonly at: Date;
  /** What failed: a key of `ERROR_CODES`. */
  readonly code: ErrorCode;
  /** The leg that failed. */
  readonly leg: Leg;
  /** Who can correct the cause. */
  readonly contact: Contact;
  /** What happened, in one sentence that Credence writes. */
  readonly message: string;
  /** What to do, in one sentence. */
  readonly remedy: string;
}

/** The state of one server, with its configured scopes. */
export interface ServerStatus {
  /** Whether the next call has or probably gets a token: one is valid, or the last acquisition succeeded. False after `close()`. */
  readonly ready: boolean;
  /** The token, if a valid one is cached. */
  readonly token?: TokenStatus | undefined;
  /** Whether the last acquisition or renewal of the token failed. */
  readonly failing: boolean;
  /** When the first of the failures in a row happened, if `failing`. */
  readonly failingSince?: Date | undefined;
  /** Until this time no token is requested, because of refusals or `Retry-After`. */
  readonly pausedUntil?: Date | undefined;
  /** The last failure, also if calls have succeeded since. */
  readonly lastFailure?: FailureStatus | undefined;
  /** How many calls through `fetchFor` and of `token()` have failed since the start: as many as there are `call-failed` and `token-failed` events. */
  readonly failedCalls: number;
}

/** What `status()` returns. It contains no token and no secret, and can be serialised as JSON. */
export interface PrincipalStatus {
  /** Whether every server is ready. */
  readonly ready: boolean;
  /** The servers, by their configured names. */
  readonly servers: Readonly<Record<string, ServerStatus>>;
  /** The store, if one is configured. */
  readonly store?: StoreState | undefined;
}

export function serverStatus(
  state: KeyState,
  calls: Pick<FailedCalls, 'count' | 'last'>,
  { wallMs, clientPausedForMs, isClosed }: { wallMs: number; clientPausedForMs: number; isClosed: boolean },
): ServerStatus {
  const { token, refusal, lastFailure, failing, acquired } = state;
  const last = [lastFailure, calls.last].filter((one) => one !== undefined).toSorted((a, b) => b.atMs - a.atMs)[0];
  const pausedForMs = failing ? Math.max(state.pausedForMs, clientPausedForMs) : 0;
  return {
    ready: !isClosed && (token !== undefined || (acquired && !failing)),
    token: token && {
      ageMs: Math.round(token.ageMs),
      expiresInMs: Math.round(token.expiresInMs),
      expiresAt: token.expiresAt,
      scopes: token.scopes,
    },
    failing,
    failingSince: failing ? new Date(refusal?.sinceMs ?? lastFailure?.atMs ?? wallMs) : undefined,
    pausedUntil: pausedForMs > 0 ? new Date(wallMs + pausedForMs) : undefined,
    lastFailure: last && failureStatus(last.error, last.atMs),
    failedCalls: calls.count,
  };
}

function failureStatus({ code, leg, contact, message, remedy }: CredenceError, atMs: number): FailureStatus {
  return { at: new Date(atMs), code, leg, contact, message, remedy };
}
