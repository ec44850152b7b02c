const NAMED = 8;

/**
 * Names scopes in a message. Only those in `known`, which the configuration or the caller names, are named. The name of another scope
 * is a word that a peer chose, so the others are only counted.
 */
export function namedScopes(scopes: readonly string[], known: readonly string[]): string {
  const ours = scopes.filter((scope) => known.includes(scope));
  const others = scopes.length - Math.min(ours.length, NAMED);
  const named = ours.slice(0, NAMED).map((scope) => `"${scope}"`);
  if (others === 0) return named.join(', ');
  const more = others === 1 ? 'another scope' : `${others} other scopes`;
  return named.length === 0 ? more : `${named.join(', ')} and ${more}`;
}
