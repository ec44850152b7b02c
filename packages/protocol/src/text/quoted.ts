import { cleanText } from './clean.ts';

/** A peer's value as JSON for a log or an error detail, quoted and cut, so that a peer cannot add a sentence to the text. */
export function quoted(value: unknown): string {
  return value === undefined ? 'none' : cleanText(JSON.stringify(value), { max: 120 });
}
