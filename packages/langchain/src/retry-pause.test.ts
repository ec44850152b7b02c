import { CredenceError, type CredenceErrorJson } from '@credence/core';
import { describe, expect, it } from '@jest/globals';
import { DEFAULT_PAUSES, retryPauseMs } from './retry-pause.ts';

function failure(code: CredenceErrorJson['code'], more: Partial<CredenceErrorJson> = {}): CredenceError {
  return new CredenceError({ leg: 'call', message: 'm', remedy: 'r', contact: 'server-owner', ...more, code });
}

describe('retryPauseMs', () => {
  const pauses = (error: CredenceError, random: number) =>
    [1, 2, 3, 7, 100].map((failures) => retryPauseMs(error, failures, DEFAULT_PAUSES, { random }));

  it('doubles from a second to a minute for a failure that ends by itself', () => {
    expect(pauses(failure('unreachable'), 0)).toEqual([1_000, 2_000, 4_000, 60_000, 60_000]);
    expect(pauses(failure('invalid_response', { retryable: true }), 0)).toEqual(pauses(failure('timeout'), 0));
  });

  it.each(['access_denied', 'token_refused', 'invalid_client', 'invalid_response', 'metadata_not_found'] as const)(
    'is five times as long for %s, which only a person can end',
    (code) => {
      expect(pauses(failure(code), 0)).toEqual([5_000, 10_000, 20_000, 300_000, 300_000]);
    },
  );

  it('is shorter by a random part, up to a quarter', () => {
    expect(pauses(failure('unreachable'), 0.5)[0]).toBe(875);
    expect(retryPauseMs(failure('unreachable'), 1, DEFAULT_PAUSES)).toBeGreaterThanOrEqual(750);
  });

  it('is not shorter than the pause of the principal, nor than Retry-After, up to an hour', () => {
    const busy = failure('rate_limited', { retryAfterSeconds: 120 });
    expect(retryPauseMs(busy, 1, DEFAULT_PAUSES)).toBe(120_000);
    expect(retryPauseMs(busy, 1, DEFAULT_PAUSES, { pausedForMs: 300_000 })).toBe(300_000);
    expect(retryPauseMs(failure('rate_limited', { retryAfterSeconds: 1e9 }), 1, DEFAULT_PAUSES)).toBe(3_600_000);
  });

  it('is never longer than a timer can be', () => {
    const longest = { firstMs: 2_147_483_647, maxMs: 2_147_483_647 };
    expect(retryPauseMs(failure('access_denied'), 9, longest, { random: 0 })).toBe(2_147_483_647);
  });

  it.each(['closed', 'unknown_server', 'invalid_configuration'] as const)('is undefined for %s', (code) => {
    expect(retryPauseMs(failure(code), 1, DEFAULT_PAUSES)).toBeUndefined();
  });
});
