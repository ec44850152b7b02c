import type { ErrorCode } from '../errors/codes.ts';
import type { Contact, Leg } from '../errors/leg.ts';

/** What was asked of a peer within a leg. */
export type Operation =
  | 'protected-resource-metadata'
  | 'authorization-server-metadata'
  | 'idp-metadata'
  | 'client-credentials'
  | 'subject-token'
  | 'token-exchange'
  | 'jwt-bearer'
  | 'request';

interface EventBase {
  /** Milliseconds since the epoch. */
  readonly timeMs: number;
  readonly server?: string | undefined;
  /** The principal's client id at the IdP. */
  readonly principal?: string | undefined;
  /** The acquisition this belongs to: legs and their outcome have it in common. */
  readonly acquisition?: string | undefined;
}

/** One exchange with a peer ended, well or not. */
export interface LegEvent extends EventBase {
  readonly type: 'leg';
  readonly leg: Leg;
  readonly operation: Operation;
  readonly ok: boolean;
  readonly durationMs: number;
  readonly issuer?: string | undefined;
  /** Scheme, host and path of the endpoint; never its query. */
  readonly endpoint?: string | undefined;
  readonly status?: number | undefined;
  readonly code?: ErrorCode | undefined;
  /** The OAuth error code. */
  readonly error?: string | undefined;
  /** Which attempt this was, from 1. */
  readonly attempt?: number | undefined;
  /** How far the peer's Date header is ahead of our wall clock, where that is more than ten seconds. */
  readonly clockSkewSeconds?: number | undefined;
}

/** An access token was obtained, for a caller that waited (`acquired`) or behind callers that did not (`renewed`). */
export interface TokenEvent extends EventBase {
  readonly type: 'acquired' | 'renewed';
  readonly issuer: string;
  readonly resource: string;
  readonly scopes: readonly string[];
  /** Scopes that were configured and not granted. */
  readonly missingScopes?: readonly string[] | undefined;
  readonly expiresInSeconds: number;
  readonly durationMs: number;
  readonly tokenHash: string;
}

/** No token could be obtained; on `renewal-failed` callers go on with the token they have. */
export interface FailureEvent extends EventBase {
  readonly type: 'refused' | 'renewal-failed';
  readonly leg: Leg;
  readonly code: ErrorCode;
  readonly error?: string | undefined;
  readonly issuer?: string | undefined;
  readonly message: string;
  readonly remedy: string;
  readonly contact: Contact;
  readonly durationMs: number;
}

/** A token that another copy of the bot got was taken from the store. */
export interface SharedEvent extends EventBase {
  readonly type: 'shared';
  readonly tokenHash: string;
}

/** A caller shares an acquisition that was under way. */
export interface JoinedEvent extends EventBase {
  readonly type: 'joined';
}

/** The MCP server refused a token and it was forgotten. */
export interface RejectedEvent extends EventBase {
  readonly type: 'rejected';
  readonly tokenHash: string;
}

/** A 403 was answered by a token with more scopes. */
export interface StepUpEvent extends EventBase {
  readonly type: 'step-up';
  readonly scopes: readonly string[];
}

/** Something worth a look that stops nothing. */
export interface WarningEvent extends EventBase {
  readonly type: 'warning';
  readonly leg: Leg;
  readonly message: string;
  readonly remedy: string;
}

/** What `onEvent` receives. No field ever carries a token, key, assertion or secret. */
export type CredenceEvent =
  LegEvent | TokenEvent | SharedEvent | JoinedEvent | FailureEvent | RejectedEvent | StepUpEvent | WarningEvent;
