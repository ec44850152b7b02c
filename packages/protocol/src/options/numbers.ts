/** What a number may be. */
export interface NumberBounds {
  /** Default: 0. */
  readonly min?: number | undefined;
  /** Default: the largest safe integer. */
  readonly max?: number | undefined;
  /** True where it must be an integer. Default: false. */
  readonly integer?: boolean | undefined;
}

/**
 * Throws a TypeError that begins with `where` for an option that is given and is not a number within its bounds. An
 * unset environment variable makes NaN, and no comparison with NaN refuses anything: the check would be off unseen.
 */
export function checkNumber(where: string, name: string, value: unknown, bounds: NumberBounds = {}): void {
  if (value === undefined) return;
  const { min = 0, max = Number.MAX_SAFE_INTEGER, integer = false } = bounds;
  const isNumber = typeof value === 'number' && (integer ? Number.isSafeInteger(value) : Number.isFinite(value));
  if (isNumber && value >= min && value <= max) return;
  const kind = integer ? 'a whole number' : 'a number';
  throw new TypeError(
    `${where}: ${name} is not ${kind} of ${min} ${max === Number.MAX_SAFE_INTEGER ? 'or more' : `to ${max}`}`,
  );
}
