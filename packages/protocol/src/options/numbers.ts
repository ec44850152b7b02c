/** The bounds of a number. */
export interface NumberBounds {
  /** The smallest value that is allowed. Default: 0. */
  readonly min?: number | undefined;
  /** The largest value that is allowed. Default: the largest safe integer. */
  readonly max?: number | undefined;
  /** True if the number must be an integer. Default: false. */
  readonly integer?: boolean | undefined;
}

/**
 * Throws a TypeError that begins with `where` if an option is set and is not a number within its bounds. NaN is refused
 * too: `Number()` of an unset environment variable is NaN, and a limit of NaN would never refuse anything.
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
