const MAX_ENTRIES = 40;
const MAX_ENTRY_LENGTH = 128;

/**
 * A list of scopes for a record: at most 40 entries of at most 128 characters. A peer decides how many scopes it grants. The last entry
 * says how many are left out.
 */
export function boundedScopes(scopes: readonly string[]): string[] {
  const shown = scopes.slice(0, MAX_ENTRIES).map((scope) => cut(scope, MAX_ENTRY_LENGTH));
  if (scopes.length > MAX_ENTRIES) shown.push(`… and ${scopes.length - MAX_ENTRIES} more`);
  return shown;
}

/** The text, cut to `max` UTF-16 code units. */
export function cut(text: string, max: number): string {
  return text.length > max ? `${text.slice(0, max - 1)}…` : text;
}
