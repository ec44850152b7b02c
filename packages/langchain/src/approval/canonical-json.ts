import { isJsonObject } from '@credence/protocol';

/** The JSON text of a value with the members of objects in order. Equal for values that are equal as JSON. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_name, member: unknown) =>
    isJsonObject(member) ? Object.fromEntries(Object.entries(member).toSorted(([a], [b]) => (a < b ? -1 : 1))) : member,
  );
}
