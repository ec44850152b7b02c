/** Writes `export NAME='value'` lines for a POSIX shell. Values may contain quotes and line breaks. */
export function exportLines(env: Readonly<Record<string, string>>): string {
  return Object.entries(env)
    .map(([name, value]) => `export ${name}='${escaped(value)}'\n`)
    .join('');
}

/** A word for a POSIX shell: in quotes, if it needs them. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/u.test(word) ? word : `'${escaped(word)}'`;
}

function escaped(value: string): string {
  return value.replaceAll("'", String.raw`'\''`);
}
