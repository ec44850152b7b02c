import { describe, expect, it } from '@jest/globals';
import { runtimeFromOptions } from './runtime-from-options.ts';

describe('runtimeFromOptions', () => {
  it('uses the default for a setting that is present and undefined', () => {
    const withUndefined: { requestMs?: number | undefined } = { requestMs: undefined };
    const { timeout, retry } = runtimeFromOptions({
      servers: {},
      timeout: { ...(withUndefined as { requestMs?: number }), totalMs: 5_000 },
      retry: { retries: 0 },
    });
    expect(timeout).toEqual({ requestMs: 10_000, totalMs: 5_000 });
    expect(retry).toEqual({ retries: 0, minDelayMs: 200, maxDelayMs: 2_000, maxRetryAfterMs: 10_000 });
  });
});
