import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { AUDIT_TIMEOUT_MS, AuditTimeout, callAudit } from './callback.ts';

describe('an audit callback', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  it('that never ends causes a server_error after ten seconds', async () => {
    const never = expect(callAudit(() => new Promise(() => undefined))).rejects.toMatchObject({
      error: 'server_error',
      reason: 'audit failed: TimeoutError',
    });
    await jest.advanceTimersByTimeAsync(10_000);
    await never;
  });

  it('that fails after ten seconds causes no unhandled rejection', async () => {
    const unhandled = jest.fn();
    process.on('unhandledRejection', unhandled);
    const late = expect(
      callAudit(
        () =>
          new Promise((_resolve, reject) => {
            setTimeout(() => reject(new Error('late')), AUDIT_TIMEOUT_MS + 1);
          }),
      ),
    ).rejects.toBeInstanceOf(AuditTimeout);
    await jest.advanceTimersByTimeAsync(AUDIT_TIMEOUT_MS + 1);
    await late;
    jest.useRealTimers();
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });

  it('may take almost ten seconds, and no timer remains', async () => {
    const slow = callAudit(
      () =>
        new Promise((resolve) => {
          setTimeout(resolve, AUDIT_TIMEOUT_MS - 1);
        }),
    );
    await jest.advanceTimersByTimeAsync(AUDIT_TIMEOUT_MS - 1);
    await expect(slow).resolves.toBeUndefined();
    await callAudit(() => undefined);
    expect(jest.getTimerCount()).toBe(0);
  });
});
