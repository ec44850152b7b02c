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
  it('keeps the order, tells its subscribers, and stops telling them', () => {
    const { audit, record } = createAuditTrail();
    record(decision('first'));
    const heard: string[] = [];
    const listener = ({ reason }: SandboxAuditRecord) => void heard.push(reason);
    const stop = audit.subscribe(listener);
    const stopSecond = audit.subscribe(listener);
    record(decision('second'));
    stop();
    record(decision('third'));
    stopSecond();
    record(decision('fourth'));
    expect(heard).toEqual(['second', 'second', 'third']);
    expect(audit.records.map(({ reason }) => reason)).toEqual(['first', 'second', 'third', 'fourth']);
    expect(audit.records[0]?.time).toMatch(/^\d{4}-\d\d-\d\dT/u);
    expect(Object.isFrozen(audit.records[0])).toBe(true);
  });

  it('does not let one who listens change what is decided', () => {
    const { audit, record } = createAuditTrail();
    const heard: string[] = [];
    audit.subscribe(() => {
      throw new Error('the listener is broken');
    });
    audit.subscribe(({ reason }) => void heard.push(reason));
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    record(decision('first'));
    expect(heard).toEqual(['first']);
    expect(audit.records).toHaveLength(1);
    expect(warn.mock.calls).toEqual([['An audit listener threw: the listener is broken', { type: 'SandboxWarning' }]]);
  });
});
