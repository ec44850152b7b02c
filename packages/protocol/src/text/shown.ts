import { cleanText } from './clean.ts';

/** A peer's value for a record, as JSON: quoted and cut, so that nobody can write a sentence of their own into it. */
export function shown(value: unknown): string {
  return value === undefined ? 'none' : cleanText(JSON.stringify(value), { max: 120 });
}
