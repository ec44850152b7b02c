import { cleanText } from './clean.ts';

/**
 * A peer's value as JSON for a log or an error detail, quoted and cut, so that a peer cannot add a sentence to the text. Never
 * throws: a value that JSON.stringify cannot write, such as one with too many nested lists, is described instead.
 */
export function quoted(value: unknown): string {
  if (value === undefined) return 'none';
  try {
    return cleanText(JSON.stringify(value), { max: 120 });
  } catch {
    return 'a value that cannot be written as JSON';
  }
}
