import { normaliseScopes, SCOPE_TOKEN, stringList } from '@credence/protocol';

/** More scopes are left out, so that a peer cannot fill a log. A configuration has fewer. */
const MAX_SCOPES = 500;

/**
 * The scopes in a `scope` member or claim, sorted and without duplicates: a text with scopes that are separated by white space
 * (RFC 6749 section 3.3). Some peers send a list instead, or separate scopes by commas; a word with a comma that is one of `known`
 * stays one scope. Undefined if the value is neither a text nor a list of texts.
 */
export function statedScopes(value: unknown, known: readonly string[] = []): readonly string[] | undefined {
  const isKnown = new Set(known);
  const stated = new Set<string>();
  let others = 0;
  for (const text of stringList(value) ?? []) {
    for (const word of text.split(/\s+/u)) {
      for (const scope of isKnown.has(word) ? [word] : word.split(',')) {
        if (stated.has(scope) || !SCOPE_TOKEN.test(scope)) continue;
        if (!isKnown.has(scope) && ++others > MAX_SCOPES) continue;
        stated.add(scope);
      }
    }
  }
  return stringList(value) && normaliseScopes(stated);
}
