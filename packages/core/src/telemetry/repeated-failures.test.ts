import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { CallFailedEvent, CredenceEvent } from '../runtime/events.ts';
import type { AuditRecord } from './audit-record.ts';
import { auditTrail } from './audit-trail.ts';

let records: AuditRecord[];
let listener: (event: CredenceEvent) => void;
beforeEach(() => {
  jest.useFakeTimers();
  records = [];
  listener = auditTrail((record) => void records.push(record));
});
afterEach(() => {
  listener({ type: 'closed', timeMs: Date.now() });
  jest.useRealTimers();
});

const calls = () => records.reduce((sum, { failedCalls = 1 }) => sum + failedCalls, 0);
function fail(times: number, over: Partial<CallFailedEvent> = {}): void {
  for (let call = 0; call < times; call += 1) {
    listener({
      type: 'call-failed',
      timeMs: Date.now(),
      server: 'notes',
      leg: 'call',
      code: 'forbidden',
      contact: 'server-owner',
      status: 403,
      durationMs: 5,
      message: 'Ours.',
      remedy: 'Ours too.',
      ...over,
    });
  }
}

describe('the failed calls that wait for their record', () => {
  it('are written when the principal is closed', () => {
    fail(40);
    expect(records).toHaveLength(1);
    listener({ type: 'closed', timeMs: Date.now() });
    expect(records).toMatchObject([{ outcome: 'call-failed' }, { outcome: 'call-failed', failedCalls: 39 }]);
    jest.advanceTimersByTime(180_000);
    expect(records).toHaveLength(2);
  });

  it('are written when the process has nothing left to do, and leave no listener', () => {
    const before = process.listenerCount('beforeExit');
    fail(5);
    expect(process.listenerCount('beforeExit')).toBe(before + 1);
    process.emit('beforeExit', 0);
    expect(calls()).toBe(5);
    expect(process.listenerCount('beforeExit')).toBe(before);
    fail(3);
    jest.advanceTimersByTime(60_000);
    expect(calls()).toBe(8);
    expect(process.listenerCount('beforeExit')).toBe(before);
  });
});

describe('the records of failed calls', () => {
  it.each<[string, Partial<CallFailedEvent>, Partial<CallFailedEvent>]>([
    ['the words of the peer', { peerText: 'policy A' }, { peerText: 'policy B' }],
    ['the OAuth error', { error: 'access_denied' }, { error: 'insufficient_scope' }],
    ['the cause', { causeCode: 'ECONNREFUSED' }, { causeCode: 'ENOTFOUND' }],
  ])('are two at once if two calls differ by %s', (_what, one, other) => {
    fail(2, one);
    fail(2, other);
    expect(records).toMatchObject([one, other]);
    jest.advanceTimersByTime(60_000);
    expect(calls()).toBe(4);
  });

  it('are one at once if the words of the peer differ only by numbers and ids', () => {
    for (let call = 0; call < 50; call += 1) {
      fail(1, { peerText: `request ${call}ab7f-${call} failed after ${call} ms` });
    }
    expect(records.length).toBeLessThan(6);
  });

  it('are few if the peer says something else each time, and count each call', () => {
    const letters = Array.from({ length: 26 }, (_, index) => String.fromCodePoint(97 + index));
    for (const first of letters) for (const second of letters) fail(1, { peerText: `g${first}h${second}` });
    expect(records.length).toBeLessThanOrEqual(11);
    jest.advanceTimersByTime(60_000);
    expect(calls()).toBe(letters.length ** 2);
  });
});
