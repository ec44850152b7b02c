import { FORMATS } from '../formats.ts';
import type { Run } from '../run.ts';
import type { Keyword } from '../site.ts';
import { countIn, stringIn } from './values.ts';

const maxLength: Keyword = (value) => {
  const limit = countIn(value);
  return {
    expects: `must have at most ${limit} characters`,
    // A string has at most as many characters as UTF-16 code units, so most strings need not be counted.
    check: (value, run) => typeof value !== 'string' || value.length <= limit || codePoints(value, run) <= limit,
  };
};

const minLength: Keyword = (value) => {
  const limit = countIn(value);
  return {
    expects: `must have at least ${limit} characters`,
    check: (value, run) => typeof value !== 'string' || value.length >= 2 * limit || codePoints(value, run) >= limit,
  };
};

/** The length of a string in JSON Schema: a pair of surrogates is one character. */
function codePoints(text: string, run: Run): number {
  run.spend(text.length / 32);
  let pairs = 0;
  for (let index = 1; index < text.length; index += 1) {
    if (isBetween(text.charCodeAt(index - 1), 0xd800, 0xdbff) && isBetween(text.charCodeAt(index), 0xdc00, 0xdfff)) {
      pairs += 1;
      index += 1;
    }
  }
  return text.length - pairs;
}

function isBetween(code: number, first: number, last: number): boolean {
  return code >= first && code <= last;
}

const pattern: Keyword = (value, site) => {
  const expression = site.pattern(stringIn(value));
  return {
    expects: 'must match the pattern of the schema',
    check: (value, run) => typeof value !== 'string' || expression.test(value, run),
  };
};

/** `format`. An unknown format has no effect. */
const format: Keyword = (value) => {
  const name = stringIn(value);
  const known = FORMATS.get(name);
  if (!known) return undefined;
  return {
    expects: `must have the format ${name}`,
    check(value, run) {
      if (typeof value === 'string') run.spend(8 + value.length / 4);
      return typeof value !== known.type || known.check(value);
    },
  };
};

export const STRINGS: Readonly<Record<string, Keyword>> = {
  maxLength,
  minLength,
  pattern,
  format,
};
