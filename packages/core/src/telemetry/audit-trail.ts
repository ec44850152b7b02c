import type { ErrorCode } from '../errors/codes.ts';
import type { Contact, Leg } from '../errors/leg.ts';
import type { CredenceEvent } from '../runtime/events.ts';

/** One line of the bot's own audit: who got or did not get what, and why. Never a token: its hash. */
export interface AuditRecord {
  /** ISO 8601. */
  readonly time: string;
  /**
   * `granted`: a token was obtained. `refused`: none was. `rejected`: the MCP server refused a token. `stepped-up`:
   * scopes were added.
   */
  readonly outcome: 'granted' | 'refused' | 'rejected' | 'stepped-up';
  /** The principal's client id at the IdP. */
  readonly principal?: string | undefined;
  /** The configured name of the MCP server. */
  readonly server?: string | undefined;
  /** The issuer identifier of the IdP or authorization server that decided. */
  readonly issuer?: string | undefined;
  /** The resource identifier that the token is for (RFC 8707). */
  readonly resource?: string | undefined;
  /** The scopes that were granted or added. */
  readonly scopes?: readonly string[] | undefined;
  /** Scopes that were configured and not granted. */
  readonly missingScopes?: readonly string[] | undefined;
  /** The leg that failed, or in which it happened. */
  readonly leg?: Leg | undefined;
  /** What went wrong: a key of `ERROR_CODES`. */
  readonly code?: ErrorCode | undefined;
  /** The OAuth error code. */
  readonly error?: string | undefined;
  /** Why, in one sentence of ours. */
  readonly reason?: string | undefined;
  /** What to do about it, in one sentence. */
  readonly remedy?: string | undefined;
  /** Who can do it. */
  readonly contact?: Contact | undefined;
  /** Names the token: a hash, from which the token cannot be computed. */
  readonly tokenHash?: string | undefined;
  /** Whether a caller waited for it (`call`) or it happened behind the callers (`renewal`). */
  readonly during?: 'call' | 'renewal' | undefined;
}

/**
 * An `onEvent` that keeps the events an auditor asks for: grants, refusals, tokens a server rejected, scopes that were added.
 * @param write receives each record; see `jsonLines`.
 */
export function auditTrail(write: (record: AuditRecord) => void): (event: CredenceEvent) => void {
  return (event) => {
    const record = recordOf(event);
    // handed back, so that whoever tells the listeners also takes care of a `write` that is asynchronous and fails
    return record && write(record);
  };
}

/** Writes each record as a line of JSON (JSON Lines), to standard output, a file stream or anything with `write`. */
export function jsonLines(destination: { write(line: string): unknown }): (record: AuditRecord) => void {
  return (record) => void destination.write(`${JSON.stringify(record)}\n`);
}

function recordOf(event: CredenceEvent): AuditRecord | undefined {
  const { timeMs, principal, server } = event;
  const base = { time: new Date(timeMs).toISOString(), principal, server };
  switch (event.type) {
    case 'acquired':
    case 'renewed': {
      const { issuer, resource, scopes, missingScopes, tokenHash } = event;
      const during = event.type === 'acquired' ? 'call' : 'renewal';
      return { ...base, outcome: 'granted', issuer, resource, scopes, missingScopes, tokenHash, during };
    }
    case 'refused':
    case 'renewal-failed': {
      const { issuer, leg, code, error, message, remedy, contact } = event;
      const during = event.type === 'refused' ? 'call' : 'renewal';
      return { ...base, outcome: 'refused', issuer, leg, code, error, reason: message, remedy, contact, during };
    }
    case 'rejected':
      return { ...base, outcome: 'rejected', leg: 'call', tokenHash: event.tokenHash };
    case 'step-up':
      return { ...base, outcome: 'stepped-up', leg: 'call', scopes: event.scopes };
    case 'leg':
    case 'shared':
    case 'joined':
    case 'warning':
      return undefined;
  }
}
