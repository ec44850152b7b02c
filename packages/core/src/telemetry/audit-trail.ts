import type { ErrorCode } from '../errors/codes.ts';
import type { Contact, Leg } from '../errors/leg.ts';
import type { CallFailedEvent, CredenceEvent, FailureEvent, WarningCode } from '../runtime/events.ts';
import { boundedScopes, cut } from './bounded-lists.ts';
import { RepeatedFailures } from './repeated-failures.ts';

const MAX_TEXT = 1_000;
const MAX_LINE = 16_384;

/**
 * One record of the audit trail of a bot: which token was granted or refused, and why. The record contains only the
 * hash of a token.
 */
export interface AuditRecord {
  /** The time in ISO 8601. */
  readonly time: string;
  /**
   * `granted`: a token was obtained. `refused`: no token was obtained. `rejected`: the MCP server refused a token. `stepped-up`:
   * a token with more scopes was obtained. `call-failed`: a call to the MCP server failed. `warning`: a problem that did not make a
   * call fail.
   */
  readonly outcome: 'granted' | 'refused' | 'rejected' | 'stepped-up' | 'call-failed' | 'warning';
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
  /** The scopes that were configured and not granted. */
  readonly missingScopes?: readonly string[] | undefined;
  /** The leg that failed, or the leg in which the token was rejected or stepped up. */
  readonly leg?: Leg | undefined;
  /** What failed: a key of `ERROR_CODES`; for a warning, the kind of problem. */
  readonly code?: ErrorCode | WarningCode | undefined;
  /** The OAuth error code. */
  readonly error?: string | undefined;
  /** The HTTP status, if the peer answered. */
  readonly status?: number | undefined;
  /** What the peer said, in its own words, cleaned and at most 300 characters. */
  readonly peerText?: string | undefined;
  /** The code of the cause, such as `ECONNREFUSED`. */
  readonly causeCode?: string | undefined;
  /** The time to wait that the peer sent in `Retry-After`, in seconds. */
  readonly retryAfterSeconds?: number | undefined;
  /** If earlier acquisitions failed too: when the first failure in a row happened, in ISO 8601. */
  readonly since?: string | undefined;
  /** If earlier acquisitions failed too: how many callers got an error since then. */
  readonly failedCalls?: number | undefined;
  /** Why no token was obtained, why the call failed or what the problem is, in one sentence that Credence writes. */
  readonly reason?: string | undefined;
  /** What to do, in one sentence. */
  readonly remedy?: string | undefined;
  /** Who can correct the cause. */
  readonly contact?: Contact | undefined;
  /** A hash that identifies the token. The token cannot be computed from it. */
  readonly tokenHash?: string | undefined;
  /** `call`: a caller waited for the token. `renewal`: the token was renewed in the background. */
  readonly during?: 'call' | 'renewal' | undefined;
}

/**
 * An `onEvent` listener that writes a record for each grant, refusal, rejected token, step-up, failed call and warning, and none for
 * other events. Failed calls of the same kind within a minute are one record with their number.
 * @param write receives each record; see `jsonLines`.
 */
export function auditTrail(write: (record: AuditRecord) => void): (event: CredenceEvent) => void {
  const failures = new RepeatedFailures(write);
  return (event) => {
    const record = recordOf(event);
    // The caller of the listeners handles the rejection of an asynchronous `write`, so its result is returned.
    return record && (record.outcome === 'call-failed' ? failures.add(bounded(record)) : write(bounded(record)));
  };
}

/**
 * Writes each record as a line of JSON (JSON Lines), to standard output, a file stream or anything with `write`. A line has at most
 * 16,384 characters.
 */
export function jsonLines(destination: { write(line: string): unknown }): (record: AuditRecord) => void {
  return (record) => {
    const line = JSON.stringify(record);
    const { scopes: _scopes, missingScopes: _missing, ...rest } = record;
    const shorter = () => JSON.stringify(bounded({ ...rest, scopes: ['…'] }));
    destination.write(`${line.length > MAX_LINE ? shorter() : line}\n`);
  };
}

/** The record with texts of at most 1,000 characters and short lists: peers choose some of them. */
function bounded(record: AuditRecord): AuditRecord {
  const texts = Object.entries(record).map(([name, value]: [string, unknown]) => [
    name,
    typeof value === 'string' ? cut(value, MAX_TEXT) : value,
  ]);
  const { scopes, missingScopes } = record;
  return {
    ...(Object.fromEntries(texts) as AuditRecord),
    ...(scopes && { scopes: boundedScopes(scopes) }),
    ...(missingScopes && { missingScopes: boundedScopes(missingScopes) }),
  };
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
    case 'renewal-failed':
      return {
        ...base,
        outcome: 'refused',
        ...failed(event),
        ...(event.refusedSinceMs !== undefined && { since: new Date(event.refusedSinceMs).toISOString() }),
        ...(event.failedCalls !== undefined && { failedCalls: event.failedCalls }),
        during: event.type === 'refused' ? 'call' : 'renewal',
      };
    case 'call-failed':
      return { ...base, outcome: 'call-failed', ...failed(event), during: 'call' };
    case 'rejected': {
      const { status, error, peerText, tokenHash } = event;
      return { ...base, outcome: 'rejected', leg: 'call', status, error, peerText, tokenHash };
    }
    case 'step-up':
      return { ...base, outcome: 'stepped-up', leg: 'call', scopes: event.scopes };
    case 'leg':
    case 'shared':
    case 'joined':
    case 'token-failed':
      return undefined;
    case 'warning': {
      const { leg, code, message, remedy } = event;
      return { ...base, outcome: 'warning', leg, code, reason: message, remedy };
    }
  }
}

function failed(event: FailureEvent | CallFailedEvent): Partial<AuditRecord> {
  const { issuer, leg, code, error, status, peerText, causeCode, retryAfterSeconds, message, remedy, contact } = event;
  return {
    issuer,
    leg,
    code,
    error,
    status,
    peerText,
    causeCode,
    retryAfterSeconds,
    reason: message,
    remedy,
    contact,
  };
}
