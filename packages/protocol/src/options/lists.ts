/**
 * Throws a TypeError that begins with `where` for an option that is given and is no list of strings, or an empty one. A
 * text is searched for a part of it where a list is searched for an entry, and an empty list allows nothing.
 */
export function checkList(where: string, name: string, value: unknown): void {
  if (value === undefined) return;
  if (!Array.isArray(value) || !value.every((entry) => typeof entry === 'string')) {
    throw new TypeError(`${where}: ${name} is not a list of strings`);
  }
  if (value.length === 0) throw new TypeError(`${where}: ${name} is empty`);
}
