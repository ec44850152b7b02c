/**
 * Throws a TypeError that begins with `where` if an option is set and is not a list of strings, or is an empty list. A
 * string is refused because `includes` on a string finds substrings. An empty list is refused because it allows nothing.
 */
export function checkList(where: string, name: string, value: unknown): void {
  if (value === undefined) return;
  if (!Array.isArray(value) || !value.every((entry) => typeof entry === 'string')) {
    throw new TypeError(`${where}: ${name} is not a list of strings`);
  }
  if (value.length === 0) throw new TypeError(`${where}: ${name} is empty`);
}
