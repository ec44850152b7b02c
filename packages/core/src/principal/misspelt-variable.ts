const CREDENTIAL = [
  'CLIENT_ID',
  'PRIVATE_KEY',
  'PRIVATE_KEY_FILE',
  'KEY_ID',
  'CLIENT_SECRET',
  'CLIENT_SECRET_FILE',
  'CLIENT_ASSERTION_FILE',
  'AUTH_METHOD',
];
/** The names that may follow `CREDENCE_IDP_`. */
export const IDP_FIELDS: readonly string[] = ['ISSUER', 'TOKEN_ENDPOINT', ...CREDENTIAL];
/** The names that may follow `CREDENCE_SERVER_NAME_`. */
export const SERVER_FIELDS: readonly string[] = [
  ...IDP_FIELDS,
  'URL',
  'SCOPES',
  'STEP_UP',
  'FLOW',
  'RESOURCE',
  'AUDIENCE',
  'EXCESS_SCOPES',
  'REDEEM_SCOPE',
  'RESOURCE_PARAMETER',
];

const MAX_EDITS = 2;

/**
 * A variable whose name differs in one or two characters from a variable of Credence, and the correct name. If `..._SCOPE` were
 * ignored, the server would have no limit on its scopes. Variables with other names are not reported: Kubernetes sets for example
 * `CREDENCE_IDP_SERVICE_HOST`, and `CREDENCE_SERVER_WIKI_EU_URL` belongs to a server "wiki-eu" that is not listed, not to "wiki".
 */
export function misspeltVariable(
  env: Readonly<Record<string, string | undefined>>,
  prefix: string,
  fields: readonly string[],
): { variable: string; correct: string } | undefined {
  for (const [variable, value] of Object.entries(env)) {
    if (!variable.startsWith(prefix) || !value?.trim()) continue;
    const field = variable.slice(prefix.length);
    if (fields.includes(field) || fields.some((known) => field.endsWith(`_${known}`))) continue;
    const correct = fields.find((known) => edits(field, known) <= MAX_EDITS);
    if (correct !== undefined) return { variable, correct: prefix + correct };
  }
  return undefined;
}

/** The Levenshtein distance of two strings. Above `MAX_EDITS` the result is not exact. */
function edits(from: string, to: string): number {
  if (Math.abs(from.length - to.length) > MAX_EDITS) return MAX_EDITS + 1;
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [index, letter] of Array.from(from).entries()) {
    const next = [index + 1];
    for (const [at, other] of Array.from(to).entries()) {
      const replaced = (row[at] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(replaced, (row[at + 1] ?? 0) + 1, (next[at] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
