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
export function checkSize(value: unknown, limits: { readonly size: number; readonly depth: number }): void {
  const pending: { value: unknown; depth: number }[] = [{ value, depth: 1 }];
  let size = 0;
  for (let next = pending.pop(); next; next = pending.pop()) {
    size += sizeWithoutMembers(next.value);
    if (typeof next.value === 'object' && next.value !== null) {
      if (next.depth > limits.depth) throw new UnusableSchema(`it is nested more than ${limits.depth} levels deep`);
      for (const [name, member] of Object.entries(next.value)) {
        size += name.length + 4;
        pending.push({ value: member, depth: next.depth + 1 });
        if (size > limits.size) break;
      }
    }
    if (size > limits.size) throw new UnusableSchema(`it is larger than ${limits.size} characters`);
  }
}

function sizeWithoutMembers(value: unknown): number {
  if (typeof value === 'string') return value.length + 2;
  if (typeof value === 'object' || typeof value === 'number' || typeof value === 'boolean') return 4;
  throw new UnusableSchema('it is not JSON');
}
