/** The age of a cached token: `fresh` is used; `ageing` is used and renewed in the background; `expired` is not used. */
export type Age = 'fresh' | 'ageing' | 'expired';

export interface Ages {
  /** From this time on the token is ageing, in milliseconds of the monotonic clock. */
  readonly renewAtMs: number;
  /** From this time on the token is expired, in milliseconds of the monotonic clock. The time is the real end of its lifetime. */
  readonly goodUntilMs: number;
}

/** The lifetime of a token whose response has no `expires_in`, which RFC 6749 section 5.1 only recommends. */
export const ASSUMED_LIFETIME_SECONDS = 300;

const RENEWED_PART = 1 / 12;
const LONGEST_LEAD_MS = 300_000;
const LAST_PART = 1 / 25;
const LONGEST_LAST_MS = 2_000;

/** The process that acquired a token renews it `first`. If it does not, the other processes renew it `after`. */
export type Turn = 'first' | 'after';

/**
 * The times at which a token of this lifetime is ageing and expired. The token is renewed in the last tenth of its
 * lifetime, at most six minutes before its end; `random` in [0, 1) spreads the renewals of several processes. While no other token
 * can be had, the token is used until its end.
 */
export function agesOf(nowMs: number, lifetimeMs: number, random: number, turn: Turn = 'first'): Ages {
  const lead = Math.min(lifetimeMs * RENEWED_PART, LONGEST_LEAD_MS) * ((turn === 'first' ? 1 : 0.7) + random * 0.2);
  return { renewAtMs: nowMs + lifetimeMs - lead, goodUntilMs: nowMs + lifetimeMs };
}

export function ageAt(nowMs: number, ages: Ages): Age {
  if (nowMs >= ages.goodUntilMs) return 'expired';
  return nowMs >= ages.renewAtMs ? 'ageing' : 'fresh';
}

/**
 * Whether a token that has been cached since `sinceMs` ends so soon that a request with it may arrive too late: in the last
 * twenty-fifth of that time, at most two seconds.
 */
export function isAboutToEnd(
  nowMs: number,
  { sinceMs, goodUntilMs }: { sinceMs: number; goodUntilMs: number },
): boolean {
  return nowMs >= goodUntilMs - Math.min((goodUntilMs - sinceMs) * LAST_PART, LONGEST_LAST_MS);
}
