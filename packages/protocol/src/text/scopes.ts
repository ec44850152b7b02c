import { redactor } from './redact.ts';

/** One scope: printable ASCII without space, quote and backslash (RFC 6749 section 3.3). */
export const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/u;

/** A space-delimited scope value as a sorted list without duplicates. Words that are not valid scopes are left out. */
export function parseScopes(value: string): readonly string[] {
  return normaliseScopes(value.split(' ').filter((scope) => SCOPE_TOKEN.test(scope)));
}

/** The scopes that contain none of the secrets. Scopes appear in logs, and a peer could put a secret it received into one. */
export function withoutSecrets(scopes: readonly string[], secrets: readonly string[]): readonly string[] {
  const redacted = redactor(secrets);
  return scopes.filter((scope) => redacted(scope) === scope);
}

/** The scopes as a sorted list without duplicates. */
export function normaliseScopes(scopes: Iterable<string>): readonly string[] {
  return [...new Set(scopes)].sort();
}

/** Every scope of the lists, as a sorted list without duplicates. */
export function unionScopes(...lists: Iterable<string>[]): readonly string[] {
  return normaliseScopes(lists.flatMap((list) => [...list]));
}

/** The scopes of `wanted` that are not in `held`. */
export function scopesNotIn(wanted: Iterable<string>, held: Iterable<string>): readonly string[] {
  const has = new Set(held);
  return [...wanted].filter((scope) => !has.has(scope));
}
