import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { AUDIT_TIMEOUT_MS, callAudit } from './callback.ts';

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
