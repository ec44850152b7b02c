import type { ErrorCode } from '../errors/codes.ts';
import type { CredenceError } from '../errors/credence-error.ts';
import type { Contact, Leg } from '../errors/leg.ts';

/** The members of every event. */
export interface EventBase {
  /** When it happened, in milliseconds since the epoch. */
  readonly timeMs: number;
  /** The configured name of the MCP server that the event concerns. */
  readonly server?: string | undefined;
  /** The principal's client id at the IdP. */
  readonly principal?: string | undefined;
  /** The `label` of the principal, if it has one. */
  readonly label?: string | undefined;
  /** The id of the acquisition. The events of its legs and of its result have the same id. */
  readonly acquisition?: string | undefined;
  /** The `identity` of the user for whom the bot acts. Only for a principal that `onBehalfOf` has returned. */
  readonly user?: string | undefined;
  /** The id of the run, if the caller has stated one (`run`). An acquisition has the run of the caller that started it. */
  readonly run?: string | undefined;
}

/** What the peer of a failed request sent, or why there was no response. */
export interface PeerDetails {
  /** The HTTP status, if the peer answered. */
  readonly status?: number | undefined;
  /** The OAuth error code, if the peer sent one. */
  readonly error?: string | undefined;
  /** What the peer said, in its own words, cleaned and at most 300 characters. For operators; do not show it to a model. */
  readonly peerText?: string | undefined;
  /** The code of the cause, such as `ECONNREFUSED` or `CERT_HAS_EXPIRED`. */
  readonly causeCode?: string | undefined;
  /** The time to wait that the peer sent in `Retry-After`, in seconds. */
  readonly retryAfterSeconds?: number | undefined;
}

/** One request to a peer ended, with or without success. */
export interface LegEvent extends EventBase, PeerDetails {
  /** The type of the event. */
  readonly type: 'leg';
  /** The leg that the request is part of. */
  readonly leg: Leg;
  /** The kind of request. */
  readonly operation:
    | 'protected-resource-metadata'
    | 'authorization-server-metadata'
    | 'idp-metadata'
    | 'client-credentials'
    | 'subject-token'
    | 'token-exchange'
    | 'jwt-bearer'
    | 'revocation'
    | 'request';
  /** Whether the answer could be used. */
  readonly ok: boolean;
  /** The duration of the request, in milliseconds. */
  readonly durationMs: number;
  /** The issuer identifier of the IdP or authorization server that received the request. */
  readonly issuer?: string | undefined;
  /** Scheme, host and path of the endpoint, without its query. */
  readonly endpoint?: string | undefined;
  /** What failed, if `ok` is false. */
  readonly code?: ErrorCode | undefined;
  /** The number of the attempt, from 1. */
  readonly attempt?: number | undefined;
  /** How far the peer's Date header is ahead of our wall clock, in seconds, if the difference is more than ten seconds. */
  readonly clockSkewSeconds?: number | undefined;
}

/** An access token was obtained: for a caller that waited (`acquired`), or in the background (`renewed`). */
export interface TokenEvent extends EventBase {
  /** `acquired`: a caller waited for the token. `renewed`: the token was renewed in the background. */
  readonly type: 'acquired' | 'renewed';
  /** The issuer identifier of the authorization server that issued the token. */
  readonly issuer: string;
  /** The resource identifier that the token is for (RFC 8707). */
  readonly resource: string;
  /** The scopes that were granted. */
  readonly scopes: readonly string[];
  /** The scopes that were requested and not granted. */
  readonly missingScopes?: readonly string[] | undefined;
  /** Those of `missingScopes` that the authorization server did not grant. The IdP did not grant the others. */
  readonly withheldScopes?: readonly string[] | undefined;
  /** The `sub` of the ID-JAG: whom the token is for. For a user this is the user. Absent in the flows without the IdP. */
  readonly subject?: string | undefined;
  /** The name in `act` of the ID-JAG: who acts for the subject (RFC 8693 section 4.1). */
  readonly actor?: string | undefined;
  /** The lifetime of the token from now, in seconds. */
  readonly expiresInSeconds: number;
  /** The duration of the acquisition, in milliseconds. */
  readonly durationMs: number;
  /** A hash that identifies the token. The token cannot be computed from it. */
  readonly tokenHash: string;
}

/** The members of the events of a failure. They are those of the {@link CredenceError} of the failure. */
export interface FailureBase extends EventBase, PeerDetails {
  /** The leg that failed. */
  readonly leg: Leg;
  /** What failed: a key of `ERROR_CODES`. */
  readonly code: ErrorCode;
  /** The issuer identifier of the IdP or authorization server that refused or failed. */
  readonly issuer?: string | undefined;
  /** What happened, in one sentence that Credence writes. */
  readonly message: string;
  /** What to do, in one sentence. */
  readonly remedy: string;
  /** Who can correct the cause. */
  readonly contact: Contact;
  /** The time until the failure, in milliseconds. */
  readonly durationMs: number;
}

/**
 * No token could be obtained. After `renewal-failed` callers still get the current token. There is one event for each failed request, and
 * none for a caller to whom an earlier failure is repeated, or if the principal was closed. A request that is the same for several servers, such as the one for a
 * subject token, has one event too: `server` is the one that caused the request.
 */
export interface FailureEvent extends FailureBase {
  /** `refused`: a caller waited for the token. `renewal-failed`: a renewal in the background failed. */
  readonly type: 'refused' | 'renewal-failed';
  /** If earlier acquisitions failed too: the time of the first failure in a row, in milliseconds since the epoch. */
  readonly refusedSinceMs?: number | undefined;
  /** If earlier acquisitions failed too: how many callers got an error since then, most of them without a request to a peer. */
  readonly failedCalls?: number | undefined;
}

/**
 * A call through `fetchFor` failed. If no token could be obtained for the call, `leg` is the leg that failed: also if the failure of
 * an earlier acquisition is repeated to the caller, for which there is no event `refused`. There is no event for a call that the
 * caller aborted, except because of a time limit. For a call in a session that its client may repeat in a new one, the event comes a
 * tenth of a second later, and not at all if the client opens a new session.
 */
export interface CallFailedEvent extends FailureBase {
  /** The type of the event. */
  readonly type: 'call-failed';
}

/**
 * A call of `token()` failed. There is one event for each failed call, also if the failure of an earlier acquisition is repeated to the
 * caller, for which there is no event `refused`. There is no event for a call that the caller aborted.
 */
export interface TokenFailedEvent extends Omit<FailureBase, 'durationMs'> {
  /** The type of the event. */
  readonly type: 'token-failed';
}

/** A token that another process acquired was read from the store. */
export interface SharedEvent extends EventBase {
  /** The type of the event. */
  readonly type: 'shared';
  /** A hash that identifies the token. The token cannot be computed from it. */
  readonly tokenHash: string;
}

/** A caller waits for an acquisition that is already in progress. */
export interface JoinedEvent extends EventBase {
  /** The type of the event. */
  readonly type: 'joined';
}

/** The MCP server refused a token, and the token was dropped. */
export interface RejectedEvent extends EventBase, PeerDetails {
  /** The type of the event. */
  readonly type: 'rejected';
  /** A hash that identifies the token. The token cannot be computed from it. */
  readonly tokenHash: string;
}

/** After a 403 of the MCP server, a token with more scopes was acquired. */
export interface StepUpEvent extends EventBase {
  /** The type of the event. */
  readonly type: 'step-up';
  /** The scopes of the new token. */
  readonly scopes: readonly string[];
}

/** The kind of problem of a {@link WarningEvent}, as a constant that programs can compare. */
export type WarningCode =
  | 'missing_resource'
  | 'missing_actor'
  | 'unknown_actor'
  | 'credential_file'
  | 'store_unavailable'
  | 'store_available'
  | 'store_lease_ignored'
  | 'store_unknown_key'
  | 'store_damaged_value'
  | 'revocation_failed';

/** A problem that does not make a call fail. */
export interface WarningEvent extends EventBase {
  /** The type of the event. */
  readonly type: 'warning';
  /** The kind of problem. */
  readonly code?: WarningCode | undefined;
  /** The leg that the problem concerns. */
  readonly leg: Leg;
  /** The problem, in one sentence. */
  readonly message: string;
  /** What to do, in one sentence. */
  readonly remedy: string;
}

/** The principal was closed. It is the last event of the principal, so that a listener can write what it keeps. */
export interface ClosedEvent extends EventBase {
  /** The type of the event. */
  readonly type: 'closed';
}

/** The events that `onEvent` receives. No member contains a token, key, assertion or secret. */
export type CredenceEvent =
  | LegEvent
  | TokenEvent
  | SharedEvent
  | JoinedEvent
  | FailureEvent
  | CallFailedEvent
  | TokenFailedEvent
  | RejectedEvent
  | StepUpEvent
  | WarningEvent
  | ClosedEvent;

/** The members that an event of a failure has in common with the error of the failure. */
export function failureMembers(
  failure: CredenceError,
): Omit<FailureBase, 'timeMs' | 'principal' | 'label' | 'durationMs'> {
  const { leg, code, error, issuer, message, remedy, contact, status, peerText, causeCode, retryAfterSeconds } =
    failure;
  return { leg, code, error, issuer, message, remedy, contact, status, peerText, causeCode, retryAfterSeconds };
}
