const LONGEST_SECONDS = 365 * 24 * 3600;

/**
 * `expires_in` as a number of seconds (RFC 6749 section 5.1), at most a year. Some peers send a string. Undefined if the value is
 * not a number of seconds.
 */
export function lifetimeSeconds(expiresIn: unknown): number | undefined {
  const seconds =
    typeof expiresIn === 'string' && /^\d{1,15}(?:\.\d+)?$/u.test(expiresIn.trim()) ? Number(expiresIn) : expiresIn;
  if (typeof seconds !== 'number' || !Number.isFinite(seconds) || seconds < 0) return undefined;
  return Math.min(seconds, LONGEST_SECONDS);
}
