/** RFC 6749 section 3.3: a scope token is printable ASCII without space, quote and backslash. */
export const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/u;

/** A space-delimited scope value as a sorted list without doubles; what is no scope token is left out. */
export function parseScopes(value: string): readonly string[] {
  return normaliseScopes(value.split(' ').filter((scope) => SCOPE_TOKEN.test(scope)));
}

/** Scopes are shown and reported: a peer must not get back out in them what it was sent. */
export function withoutSecrets(scopes: readonly string[], secrets: readonly string[]): readonly string[] {
  return scopes.filter((scope) => !secrets.some((secret) => secret !== '' && scope.includes(secret)));
}

/** The scopes as a sorted list without doubles. */
export function normaliseScopes(scopes: Iterable<string>): readonly string[] {
  return [...new Set(scopes)].sort();
}

/** Every scope of the lists, as a sorted list without doubles. */
export function unionScopes(...lists: Iterable<string>[]): readonly string[] {
  return normaliseScopes(lists.flatMap((list) => [...list]));
}

/** What of `wanted` is not in `held`. */
export function missingScopes(wanted: Iterable<string>, held: Iterable<string>): readonly string[] {
  const has = new Set(held);
  return [...wanted].filter((scope) => !has.has(scope));
}
