/**
 * Throws a TypeError that begins with `where` for an option that is no object, or has a member that is not known: one
 * with a letter wrong would be as if it were left out.
 */
export function checkMembers(where: string, name: string, value: unknown, known: Readonly<Record<string, true>>): void {
  if (typeof value !== 'object' || value === null) throw new TypeError(`${where}: ${name} is not an object`);
  const unknown = Object.keys(value).find((member) => !Object.hasOwn(known, member));
  if (unknown !== undefined) throw new TypeError(`${where}: ${name} has no member ${unknown}`);
}
