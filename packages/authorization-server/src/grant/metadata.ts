/** A list-valued metadata member with more entries. */
export function withEntries(member: unknown, entries: readonly string[]): string[] {
  const present = Array.isArray(member) ? member.filter((entry) => typeof entry === 'string') : [];
  return [...new Set([...present, ...entries])];
}
