/** Strings, and what opens, closes and parts objects and arrays, of a text that is valid JSON. */
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],]/gu;

/** Half of a character, as JSON writes it: with an odd number of backslashes before the `u`. */
const HALF_CHARACTER = /(?<!\\)(?:\\\\)*\\ud[89a-f]/u;

/** JSON, and not fit to be claims. The message says why in our words. */
export class StrictJsonError extends SyntaxError {}

/**
 * A JSON object that says the same to everybody. RFC 7519 section 4 lets a reader refuse repeated claims or take the
 * last: two readers that differ in this would see two different grants under one signature. Half a character (RFC 8259
 * section 8.2) is read back as another text once it was written down.
 *
 * Throws a SyntaxError.
 */
export function parseStrictObject(text: string): Record<string, unknown> {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new SyntaxError('not an object');
  const again = JSON.stringify(value);
  // What most issuers write comes out again as it was, and then each member was there once.
  if (again !== text && repeatsMember(text)) throw new StrictJsonError('a member is repeated');
  if (again.includes('\\ud') && HALF_CHARACTER.test(again)) throw new StrictJsonError('half of a character');
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
