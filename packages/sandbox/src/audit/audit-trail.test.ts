import { describe, expect, it, jest } from '@jest/globals';
import { type SandboxAuditRecord, createAuditTrail } from './audit-trail.ts';

const decision = (reason: string): Omit<SandboxAuditRecord, 'time'> => ({
  where: 'as',
  leg: 'redeem',
  issuer: 'http://127.0.0.1:1',
  principal: 'bot',
  server: 'issues',
  requestedScopes: [],
  grantedScopes: ['issues:read'],
  granted: true,
  error: undefined,
  reason,
});

describe('the audit trail', () => {
  it('keeps records in order, and calls subscribers until they unsubscribe', () => {
    const { audit, record } = createAuditTrail();
    record(decision('first'));
    const received: string[] = [];
    const listener = ({ reason }: SandboxAuditRecord) => void received.push(reason);
    const stop = audit.subscribe(listener);
    const stopSecond = audit.subscribe(listener);
    record(decision('second'));
    stop();
    record(decision('third'));
    stopSecond();
    record(decision('fourth'));
    expect(received).toEqual(['second', 'second', 'third']);
    expect(audit.records.map(({ reason }) => reason)).toEqual(['first', 'second', 'third', 'fourth']);
    expect(audit.records[0]?.time).toMatch(/^\d{4}-\d\d-\d\dT/u);
    expect(Object.isFrozen(audit.records[0])).toBe(true);
  });

  it('turns the error of a listener into a process warning, and calls the other listeners', () => {
    const { audit, record } = createAuditTrail();
    const received: string[] = [];
    audit.subscribe(() => {
      throw new Error('the listener is broken');
    });
    audit.subscribe(({ reason }) => void received.push(reason));
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    record(decision('first'));
    expect(received).toEqual(['first']);
    expect(audit.records).toHaveLength(1);
    expect(warn.mock.calls).toEqual([['An audit listener threw: the listener is broken', { type: 'SandboxWarning' }]]);
  });
});
