import { isList } from './json-value.ts';
import type { Run } from './run.ts';
import { UnusableSchema } from './unusable-schema.ts';

const MAX_DEPTH = 400;

/** A text that is the same for two JSON values exactly if they are equal: the order of members does not matter. */
export function equalityKey(value: unknown, run: Pick<Run, 'spend'>, depth = 0): string {
  if (depth > MAX_DEPTH) throw new UnusableSchema(`a value to compare is nested more than ${MAX_DEPTH} levels deep`);
  if (typeof value === 'string') {
    run.spend(1 + value.length / 32);
    return JSON.stringify(value);
  }
  run.spend(1);
  if (typeof value !== 'object' || value === null) return String(value === 0 ? 0 : value);
  if (isList(value)) return `[${value.map((entry) => equalityKey(entry, run, depth + 1)).join()}]`;
  const members = Object.entries(value).map(
    ([name, member]) => `${JSON.stringify(name)}:${equalityKey(member, run, depth + 1)}`,
  );
  run.spend(2 * members.length);
  return `{${members.toSorted().join()}}`;
}
