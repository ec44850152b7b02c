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
/** What may follow `CREDENCE_IDP_`. */
export const IDP_FIELDS: readonly string[] = ['ISSUER', 'TOKEN_ENDPOINT', ...CREDENTIAL];
/** What may follow `CREDENCE_SERVER_NAME_`. */
export const SERVER_FIELDS: readonly string[] = [
  ...IDP_FIELDS,
  'URL',
  'SCOPES',
  'STEP_UP',
  'FLOW',
  'RESOURCE',
  'AUDIENCE',
];

const NEAR = 2;

/**
 * A variable that is nearly one of ours, and the one that was probably meant. `..._SCOPE` would silently take the ceiling of
 * `..._SCOPES` away. Others are left alone: a cluster sets variables of its own, such as `CREDENCE_IDP_SERVICE_HOST`, and
 * `CREDENCE_SERVER_WIKI_EU_URL` is of a server "wiki-eu" that is not listed, not of "wiki".
 */
export function misspeltVariable(
  env: Readonly<Record<string, string | undefined>>,
  prefix: string,
  fields: readonly string[],
): { variable: string; meant: string } | undefined {
  for (const [variable, value] of Object.entries(env)) {
    if (!variable.startsWith(prefix) || !value?.trim()) continue;
    const field = variable.slice(prefix.length);
    if (fields.includes(field) || fields.some((known) => field.endsWith(`_${known}`))) continue;
    const meant = fields.find((known) => edits(field, known) <= NEAR);
    if (meant !== undefined) return { variable, meant: prefix + meant };
  }
  return undefined;
}

/** Levenshtein's distance. */
function edits(from: string, to: string): number {
  if (Math.abs(from.length - to.length) > NEAR) return NEAR + 1;
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
