import type { ErrorCode } from '../errors/codes.ts';
import type { Contact, Leg } from '../errors/leg.ts';

/** What every event says. */
export interface EventBase {
  /** When it happened, in milliseconds since the epoch. */
  readonly timeMs: number;
  /** The configured name of the MCP server that it concerns. */
  readonly server?: string | undefined;
  /** The principal's client id at the IdP. */
  readonly principal?: string | undefined;
  /** The acquisition this belongs to: legs and their outcome have it in common. */
  readonly acquisition?: string | undefined;
}

/** One exchange with a peer ended, well or not. */
export interface LegEvent extends EventBase {
  /** Tells this event from the others. */
  readonly type: 'leg';
  /** The leg that the exchange is part of. */
  readonly leg: Leg;
  /** What was requested. */
  readonly operation:
    | 'protected-resource-metadata'
    | 'authorization-server-metadata'
    | 'idp-metadata'
    | 'client-credentials'
    | 'subject-token'
    | 'token-exchange'
    | 'jwt-bearer'
    | 'request';
  /** Whether the answer could be used. */
  readonly ok: boolean;
  /** How long the exchange took, in milliseconds. */
  readonly durationMs: number;
  /** The issuer identifier of the IdP or authorization server that was asked. */
  readonly issuer?: string | undefined;
  /** Scheme, host and path of the endpoint; never its query. */
  readonly endpoint?: string | undefined;
  /** The HTTP status of the answer, where there was one. */
  readonly status?: number | undefined;
  /** What went wrong, where `ok` is false. */
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
  /** `acquired` where a caller waited, `renewed` where none did. */
  readonly type: 'acquired' | 'renewed';
  /** The issuer identifier of the authorization server that issued the token. */
  readonly issuer: string;
  /** The resource identifier that the token is for (RFC 8707). */
  readonly resource: string;
  /** The scopes that were granted. */
  readonly scopes: readonly string[];
  /** Scopes that were configured and not granted. */
  readonly missingScopes?: readonly string[] | undefined;
  /** How long the token is good from now, in seconds. */
  readonly expiresInSeconds: number;
  /** How long the acquisition took, in milliseconds. */
  readonly durationMs: number;
  /** Names the token: a hash, from which the token cannot be computed. */
  readonly tokenHash: string;
}

/** No token could be obtained; on `renewal-failed` callers go on with the token they have. */
export interface FailureEvent extends EventBase {
  /** `refused` where a caller waited, `renewal-failed` where none did. */
  readonly type: 'refused' | 'renewal-failed';
  /** The leg that failed. */
  readonly leg: Leg;
  /** What went wrong. */
  readonly code: ErrorCode;
  /** The OAuth error code, where the peer sent one. */
  readonly error?: string | undefined;
  /** The issuer identifier of the IdP or authorization server that refused or failed. */
  readonly issuer?: string | undefined;
  /** What happened, in one sentence of ours. */
  readonly message: string;
  /** What to do about it, in one sentence. */
  readonly remedy: string;
  /** Who can do it. */
  readonly contact: Contact;
  /** How long the acquisition took until it failed, in milliseconds. */
  readonly durationMs: number;
}

/** A token that another copy of the bot got was taken from the store. */
export interface SharedEvent extends EventBase {
  /** Tells this event from the others. */
  readonly type: 'shared';
  /** Names the token: a hash, from which the token cannot be computed. */
  readonly tokenHash: string;
}

/** A caller shares an acquisition that was under way. */
export interface JoinedEvent extends EventBase {
  /** Tells this event from the others. */
  readonly type: 'joined';
}

/** The MCP server refused a token and it was forgotten. */
export interface RejectedEvent extends EventBase {
  /** Tells this event from the others. */
  readonly type: 'rejected';
  /** Names the token: a hash, from which the token cannot be computed. */
  readonly tokenHash: string;
}

/** A 403 was answered by a token with more scopes. */
export interface StepUpEvent extends EventBase {
  /** Tells this event from the others. */
  readonly type: 'step-up';
  /** The scopes of the new token. */
  readonly scopes: readonly string[];
}

/** Something worth a look that stops nothing. */
export interface WarningEvent extends EventBase {
  /** Tells this event from the others. */
  readonly type: 'warning';
  /** The leg that it concerns. */
  readonly leg: Leg;
  /** What was found, in one sentence. */
  readonly message: string;
  /** What to do about it, in one sentence. */
  readonly remedy: string;
}

/** What `onEvent` receives. No field ever carries a token, key, assertion or secret. */
export type CredenceEvent =
  LegEvent | TokenEvent | SharedEvent | JoinedEvent | FailureEvent | RejectedEvent | StepUpEvent | WarningEvent;
