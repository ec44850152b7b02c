/** Strings, and what opens, closes and parts objects and arrays, of a text that is valid JSON. */
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],]/gu;

/**
 * A JSON object in which no object has a member twice. RFC 7519 section 4 lets a reader refuse repeated claims or take
 * the last: two readers that differ in this would see two different grants under one signature.
 *
 * Throws a SyntaxError.
 */
export function parseStrictObject(text: string): Record<string, unknown> {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new SyntaxError('not an object');
  // What most issuers write comes out again as it was, and then each member was there once.
  if (JSON.stringify(value) !== text && repeatsMember(text)) throw new SyntaxError('a member is repeated');
  return value as Record<string, unknown>;
}

function repeatsMember(json: string): boolean {
  // One entry for each open object or array; arrays have no names to remember.
  const open: (Set<string> | undefined)[] = [];
  let names: Set<string> | undefined;
  let atName = false;
  for (const [token] of json.matchAll(TOKENS)) {
    if (token === '{' || token === '[') {
      names = token === '{' ? new Set() : undefined;
      open.push(names);
      atName = token === '{';
    } else if (token === '}' || token === ']') {
      open.pop();
      names = open.at(-1);
      atName = false;
    } else if (token === ',') {
      atName = names !== undefined;
    } else if (atName && names !== undefined) {
      const name = token.includes('\\') ? String(JSON.parse(token)) : token.slice(1, -1);
      if (names.has(name)) return true;
      names.add(name);
      atName = false;
    }
  }
  return false;
}
