/** The text of a manifest in which its own version and its dependencies on `names` are `version`; the rest stays. */
export function withVersion(manifest: string, names: readonly string[], version: string): string {
  const own = manifest.replace(/^ {2}"version": "[^"]*"/mu, `  "version": "${version}"`);
  return own.replaceAll(/^( {4}"(?<name>[^"]+)": )"[^"]*"/gmu, (line: string, start: string, name: string) =>
    names.includes(name) ? `${start}"${version}"` : line,
  );
}
