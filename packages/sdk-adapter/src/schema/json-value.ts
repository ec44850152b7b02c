import type { Work } from './budget.ts';
import { UnusableSchema } from './unusable-schema.ts';

/** An object whose members are not checked yet. Read only own members: a peer can send a member named `__proto__`. */
export type JsonMembers = Readonly<Record<string, unknown>>;

/** True for an object that is not a list. */
export function isMembers(value: unknown): value is JsonMembers {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** True for a list. Unlike `Array.isArray` it does not make the entries `any`. */
export function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

/**
 * Throws {@link UnusableSchema} for a value that is not JSON, is larger than `size` or is nested more deeply than `depth`. It does not
 * recurse, so that a deeply nested value cannot exhaust the stack.
 */
export function checkSize(value: unknown, limits: { readonly size: number; readonly depth: number }, work: Work): void {
  const pending: { value: unknown; depth: number }[] = [{ value, depth: 1 }];
  let size = 0;
  for (let next = pending.pop(); next; next = pending.pop()) {
    work.spend(1);
    size += sizeWithoutMembers(next.value);
    if (typeof next.value === 'object' && next.value !== null) {
      if (next.depth > limits.depth) throw new UnusableSchema(`it is nested more than ${limits.depth} levels deep`);
      const { members, length } = membersOf(next.value, limits.size - size);
      size += length;
      // Pushed one by one: a call with many arguments exhausts the stack.
      for (const member of members) pending.push({ value: member, depth: next.depth + 1 });
      work.spend(2 * members.length);
    }
    if (size > limits.size) throw new UnusableSchema(`it is larger than ${limits.size} characters`);
  }
}

/** The members of an object or a list, and how much their names add to its size. At most about `limit` are read. */
function membersOf(value: object, limit: number): { readonly members: readonly unknown[]; readonly length: number } {
  if (isList(value)) {
    const length = 4 * value.length;
    return { members: length > limit ? [] : value, length };
  }
  const members: unknown[] = [];
  let length = 0;
  for (const [name, member] of Object.entries(value)) {
    length += name.length + 4;
    if (length > limit) break;
    members.push(member);
  }
  return { members, length };
}

/** Whether a value is nested at most `limit` levels deep. It does not recurse. */
export function isShallow(value: unknown, limit: number): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > limit) return false;
    const next: unknown[] = [];
    for (const one of level) {
      if (typeof one !== 'object' || one === null) continue;
      for (const member of Object.values(one)) if (typeof member === 'object' && member !== null) next.push(member);
    }
    level = next;
  }
  return true;
}

/** How large a value is: about the number of its members, entries and words. Stops counting at `limit`. */
export function extentOf(value: unknown, limit: number): number {
  const pending: unknown[] = [value];
  let extent = 0;
  while (pending.length > 0 && extent < limit) {
    const one = pending.pop();
    extent += typeof one === 'string' ? 1 + one.length / 32 : 1;
    if (typeof one !== 'object' || one === null) continue;
    // Entries that cannot be counted any more are not pushed.
    if (isList(one) && one.length > limit) return limit;
    for (const member of Object.values(one)) pending.push(member);
  }
  return extent;
}

function sizeWithoutMembers(value: unknown): number {
  if (typeof value === 'string') return value.length + 2;
  if (typeof value === 'object' || typeof value === 'number' || typeof value === 'boolean') return 4;
  throw new UnusableSchema('it is not JSON');
}
