import type { CallFailedEvent, CredenceEvent, FailureEvent } from '../runtime/events.ts';
import type { AuditRecord } from './audit-record.ts';
import { boundedScopes, cut } from './bounded-lists.ts';
import { RepeatedFailures } from './repeated-failures.ts';

const MAX_TEXT = 1_000;
const MAX_LINE = 16_384;

/**
 * An `onEvent` listener that writes a record for each grant, refusal, rejected token, step-up, failed call and warning, and none for
 * other events. Further failed calls of the same kind within a minute are one record with their number, which is written earlier if the
 * principal is closed or the process has nothing left to do.
 * @param write receives each record; see `jsonLines`.
 */
export function auditTrail(write: (record: AuditRecord) => void): (event: CredenceEvent) => void {
  const failures = new RepeatedFailures(write);
  return (event) => {
    if (event.type === 'closed') return failures.flush();
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
  const { timeMs, principal, label, user, run, server } = event;
  const time = new Date(timeMs).toISOString();
  const base = {
    time,
    principal,
    label,
    ...(user !== undefined && { user }),
    ...(run !== undefined && { run }),
    server,
  };
  switch (event.type) {
    case 'acquired':
    case 'renewed': {
      const { issuer, resource, scopes, missingScopes, tokenHash, subject, actor } = event;
      const during = event.type === 'acquired' ? 'call' : 'renewal';
      const who = { ...(subject !== undefined && { subject }), ...(actor !== undefined && { actor }) };
      return { ...base, outcome: 'granted', ...who, issuer, resource, scopes, missingScopes, tokenHash, during };
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
    case 'closed':
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
