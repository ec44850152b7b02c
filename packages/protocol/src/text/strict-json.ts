/** Matches the strings, brackets and commas of a text that is valid JSON. */
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],]/gu;

/** An unpaired surrogate in the output of JSON.stringify: `\ud` and so on, with an odd number of backslashes before the `u`. */
const UNPAIRED_SURROGATE = /(?<!\\)(?:\\\\)*\\ud[89a-f]/u;

/** The text is valid JSON and breaks a rule of {@link parseStrictObject}. The message quotes nothing of the text. */
export class StrictJsonError extends SyntaxError {}

/**
 * Parses a JSON object, and refuses one that two parsers could read differently. RFC 7519 section 4 lets a parser refuse
 * repeated claims or use the last one, so two parsers could read different claims under one signature. An unpaired
 * surrogate (RFC 8259 section 8.2) becomes another character when the text is encoded as UTF-8 again.
 *
 * Throws a SyntaxError.
 */
export function parseStrictObject(text: string): Record<string, unknown> {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new SyntaxError('not an object');
  const again = JSON.stringify(value);
  // Most issuers' JSON is the same after JSON.parse and JSON.stringify. Then no member is repeated.
  if (again !== text && repeatsMember(text)) throw new StrictJsonError('a member is repeated');
  if (again.includes('\\ud') && UNPAIRED_SURROGATE.test(again)) throw new StrictJsonError('an unpaired surrogate');
  return value as Record<string, unknown>;
}

function repeatsMember(json: string): boolean {
  // One entry for each open object or array; undefined for an array.
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
