/** The parameters of a token request that are, or contain, a token or a secret. */
const SECRET = new Set([
  'client_secret',
  'client_assertion',
  'subject_token',
  'actor_token',
  'assertion',
  'token',
  'code',
  'refresh_token',
  'password',
]);

/** The parameters of a form without secrets. A repeated parameter becomes a list. */
export function shownParameters(form: URLSearchParams): Readonly<Record<string, string | readonly string[]>> {
  const names = [...new Set(form.keys())].filter((name) => !SECRET.has(name));
  return Object.fromEntries(
    names.map((name) => {
      const values = form.getAll(name);
      return [name, values.length === 1 ? (values[0] ?? '') : values];
    }),
  );
}
