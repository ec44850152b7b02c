/** The strings of a metadata member that is a list, and `entries`, without duplicates. */
export function withEntries(member: unknown, entries: readonly string[]): string[] {
  const present = Array.isArray(member) ? member.filter((entry) => typeof entry === 'string') : [];
  return [...new Set([...present, ...entries])];
}

/**
 * The member `response_types_supported`, which is required (RFC 8414 section 2). A list without entries must not be published
 * (section 3.2), so a server at which nobody signs in publishes `none`.
 */
export function responseTypes(metadata: Readonly<Record<string, unknown>>): string[] {
  const present = withEntries(metadata['response_types_supported'], []);
  if (present.length > 0) return present;
  return [metadata['authorization_endpoint'] === undefined ? 'none' : 'code'];
}
