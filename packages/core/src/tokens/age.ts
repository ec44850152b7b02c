/** What a kept token is good for: `fresh` is used; `ageing` is used and renewed behind; `expired` is not used. */
export type Age = 'fresh' | 'ageing' | 'expired';

export interface Ages {
  /** From here a token is ageing; monotonic milliseconds. */
  readonly renewAtMs: number;
  /** From here it is expired; monotonic milliseconds. */
  readonly goodUntilMs: number;
}

/** Where a server names no lifetime (RFC 6749 section 5.1 only recommends it), this is assumed. */
export const ASSUMED_LIFETIME_SECONDS = 300;

const RENEWED_PART = 1 / 12;
const LONGEST_LEAD_MS = 300_000;
const SPARE_PART = 1 / 25;
const LONGEST_SPARE_MS = 10_000;

/** Who got a token renews it first: it still has what that takes. The other copies of the bot come after, should it not. */
export type Turn = 'first' | 'after';

/**
 * When a token of that lifetime ages, in proportion to it: renewed in its last tenth, at most six minutes early, a little
 * earlier for some than for others (`random` in [0, 1)); given up a twenty-fifth, at most ten seconds, before it ends, because a
 * request takes time to arrive.
 */
export function agesOf(nowMs: number, lifetimeMs: number, random: number, turn: Turn = 'first'): Ages {
  const lead = Math.min(lifetimeMs * RENEWED_PART, LONGEST_LEAD_MS) * ((turn === 'first' ? 1 : 0.7) + random * 0.2);
  const spare = Math.min(lifetimeMs * SPARE_PART, LONGEST_SPARE_MS);
  return { renewAtMs: nowMs + lifetimeMs - lead, goodUntilMs: nowMs + lifetimeMs - spare };
}

export function ageAt(nowMs: number, ages: Ages): Age {
  if (nowMs >= ages.goodUntilMs) return 'expired';
  return nowMs >= ages.renewAtMs ? 'ageing' : 'fresh';
}
