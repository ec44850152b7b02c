import type { Work } from './budget.ts';
import { workOfNames } from './budget.ts';
import { isList, isMembers } from './json-value.ts';
import { TooMuchWork } from './unusable-schema.ts';

const MAX_DEPTH = 400;
/** Characters that are copied or compared in the time of one unit of work. */
const CHARACTERS_A_UNIT = 32;

/** A text that is the same for two JSON values exactly if they are equal: the order of members does not matter. */
export function equalityKey(value: unknown, work: Work, depth = 0): string {
  if (depth > MAX_DEPTH) throw new TooMuchWork(`a value to compare is nested more than ${MAX_DEPTH} levels deep`);
  if (typeof value === 'string') return quoted(value, work);
  work.spend(2);
  if (typeof value !== 'object' || value === null) return String(value === 0 ? 0 : value);
  const parts: string[] = [];
  // The entries of a list and the members are joined anew on each level, so their length counts on each level.
  let length = 0;
  const add = (part: string): void => {
    parts.push(part);
    length += part.length + 1;
    work.spend(1 + part.length / CHARACTERS_A_UNIT);
  };
  if (isList(value)) {
    for (const entry of value) add(equalityKey(entry, work, depth + 1));
    return `[${parts.join(',')}]`;
  }
  if (!isMembers(value)) return '';
  for (const name of sortedNames(value, work)) {
    add(`${quoted(name, work)}:${equalityKey(value[name], work, depth + 1)}`);
  }
  return `{${parts.join(',')}}`;
}

function quoted(text: string, work: Work): string {
  work.spend(1 + text.length / 8);
  return JSON.stringify(text);
}

function sortedNames(value: object, work: Work): readonly string[] {
  const names = Object.keys(value);
  work.spend(workOfNames(names.length));
  // A comparison of names reads what they have in common.
  const length = names.reduce((sum, name) => sum + name.length, 0);
  work.spend(Math.log2(names.length + 1) * (names.length + length / CHARACTERS_A_UNIT));
  return names.sort();
}

/** Whether two JSON values are equal. The work grows with the smaller of them, except for the names of a large object. */
export function areEqual(a: unknown, b: unknown, work: Work, namesOf: (value: object) => readonly string[]): boolean {
  const compare = (one: unknown, other: unknown, depth: number): boolean => {
    if (depth > MAX_DEPTH) throw new TooMuchWork(`a value to compare is nested more than ${MAX_DEPTH} levels deep`);
    work.spend(1);
    if (typeof one === 'string' && typeof other === 'string') {
      if (one.length !== other.length) return false;
      work.spend(one.length / CHARACTERS_A_UNIT);
      return one === other;
    }
    if (isList(one)) {
      return (
        isList(other) &&
        one.length === other.length &&
        one.every((entry, index) => compare(entry, other[index], depth + 1))
      );
    }
    if (!isMembers(one)) return one === other;
    if (!isMembers(other)) return false;
    const names = namesOf(one);
    if (names.length !== namesOf(other).length) return false;
    return names.every((name) => {
      work.spend(2);
      return Object.hasOwn(other, name) && compare(one[name], other[name], depth + 1);
    });
  };
  return compare(a, b, 0);
}
