/** The strings of a metadata member that is a list, and `entries`, without duplicates. */
export function withEntries(member: unknown, entries: readonly string[]): string[] {
  const present = Array.isArray(member) ? member.filter((entry) => typeof entry === 'string') : [];
  return [...new Set([...present, ...entries])];
}
