import { describe, expect, it } from '@jest/globals';
import { ageAt, agesOf, isAboutToEnd } from './age.ts';

const NOW = 5_000;
const LIFETIMES_MS = [1, 2, 30, 60, 300, 900, 3_600, 86_400, 31_536_000].map((seconds) => seconds * 1000);
const RANDOMS = [0, 0.25, 0.5, 0.999];

describe('agesOf', () => {
  it.each(LIFETIMES_MS)(
    'sets the expiry to the end of a lifetime of %d ms and the renewal before it, for every random value',
    (lifetimeMs) => {
      for (const random of RANDOMS) {
        for (const turn of ['first', 'after'] as const) {
          const { renewAtMs, goodUntilMs } = agesOf(NOW, lifetimeMs, random, turn);
          expect(renewAtMs).toBeGreaterThan(NOW + lifetimeMs / 2);
          expect(goodUntilMs).toBeGreaterThan(renewAtMs);
          expect(goodUntilMs).toBe(NOW + lifetimeMs);
        }
      }
    },
  );

  it.each(LIFETIMES_MS)('sets the renewal close to the end of a lifetime of %d ms', (lifetimeMs) => {
    const { renewAtMs } = agesOf(0, lifetimeMs, 0.999);
    expect(lifetimeMs - renewAtMs).toBeLessThanOrEqual(Math.min(lifetimeMs * 0.4, 600_000));
  });

  it('sets different renewal times for different random values, so that processes do not renew at the same time', () => {
    const renewals = RANDOMS.map((random) => agesOf(0, 3_600_000, random).renewAtMs);
    expect(new Set(renewals).size).toBe(RANDOMS.length);
    expect(renewals.toSorted((a, b) => b - a)).toEqual(renewals);
  });

  it('sets an earlier renewal for the process that acquired the token than for the others', () => {
    for (const random of RANDOMS) {
      const first = agesOf(0, 3_600_000, random, 'first').renewAtMs;
      expect(first).toBeLessThan(agesOf(0, 3_600_000, random, 'after').renewAtMs);
    }
  });

  it('are compared by ageAt with a precision of one millisecond', () => {
    const ages = { renewAtMs: 100, goodUntilMs: 200 };
    const moments = [0, 99, 100, 199, 200, 1e9];
    expect(Object.fromEntries(moments.map((now) => [now, ageAt(now, ages)]))).toEqual({
      0: 'fresh',
      99: 'fresh',
      100: 'ageing',
      199: 'ageing',
      200: 'expired',
      1e9: 'expired',
    });
  });

  it('sets a token with a lifetime of zero to expired', () => {
    expect(ageAt(0, agesOf(0, 0, 0.5))).toBe('expired');
  });
});

describe('isAboutToEnd', () => {
  it.each(LIFETIMES_MS)('is true for a short last part of a lifetime of %d ms', (lifetimeMs) => {
    const entry = { sinceMs: NOW, goodUntilMs: NOW + lifetimeMs };
    const lastMs = Math.min(lifetimeMs / 25, 2_000);
    expect(isAboutToEnd(NOW + lifetimeMs - lastMs - 1, entry)).toBe(false);
    expect(isAboutToEnd(NOW + lifetimeMs - lastMs, entry)).toBe(true);
  });
});
