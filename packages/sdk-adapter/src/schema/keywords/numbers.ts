import type { Keyword } from '../site.ts';
import { UnusableSchema } from '../unusable-schema.ts';
import { numberIn } from './values.ts';

function bound(words: string, holds: (value: number, limit: number) => boolean): Keyword {
  return (value) => {
    const limit = numberIn(value);
    return {
      expects: `must be ${words} ${limit}`,
      check: (value) => typeof value !== 'number' || holds(value, limit),
    };
  };
}

const multipleOf: Keyword = (value) => {
  const divisor = numberIn(value);
  if (divisor <= 0) throw new UnusableSchema('multipleOf is not greater than 0');
  return {
    expects: `must be a multiple of ${divisor}`,
    check: (value) => typeof value !== 'number' || divides(divisor, value),
  };
};

/** With a tolerance, because 0.0075 / 0.0001 is 75.00000000000001. */
function divides(divisor: number, value: number): boolean {
  const quotient = value / divisor;
  if (!Number.isFinite(quotient)) return value % divisor === 0;
  return Math.abs(quotient - Math.round(quotient)) <= 1e-14 * Math.max(1, Math.abs(quotient)) * 8;
}

export const NUMBERS: Readonly<Record<string, Keyword>> = {
  multipleOf,
  maximum: bound('at most', (value, limit) => value <= limit),
  exclusiveMaximum: bound('less than', (value, limit) => value < limit),
  minimum: bound('at least', (value, limit) => value >= limit),
  exclusiveMinimum: bound('more than', (value, limit) => value > limit),
};
