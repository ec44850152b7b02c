import { isList, isMembers, type JsonMembers } from '../json-value.ts';
import { UnusableSchema } from '../unusable-schema.ts';

export function numberIn(value: unknown): number {
  if (typeof value !== 'number') throw new UnusableSchema('a keyword has a value that is not a number');
  return value;
}

export function countIn(value: unknown): number {
  const count = numberIn(value);
  if (!Number.isInteger(count) || count < 0) throw new UnusableSchema('a keyword has a value that is not a count');
  return count;
}

export function stringIn(value: unknown): string {
  if (typeof value !== 'string') throw new UnusableSchema('a keyword has a value that is not a string');
  return value;
}

export function stringsIn(value: unknown): readonly string[] {
  if (!isList(value)) throw new UnusableSchema('a keyword has a value that is not a list of strings');
  return value.map(stringIn);
}

export function listIn(value: unknown): readonly unknown[] {
  if (!isList(value)) throw new UnusableSchema('a keyword has a value that is not a list');
  return value;
}

export function membersIn(value: unknown): JsonMembers {
  if (!isMembers(value)) throw new UnusableSchema('a keyword has a value that is not an object');
  return value;
}
