/** Sets the version of a manifest, and the version of its dependencies on `names`. The rest of the text is unchanged. */
export function withVersion(manifest: string, names: readonly string[], version: string): string {
  const own = manifest.replace(/^ {2}"version": "[^"]*"/mu, `  "version": "${version}"`);
  return own.replaceAll(/^( {4}"(?<name>[^"]+)": )"[^"]*"/gmu, (line: string, start: string, name: string) =>
    names.includes(name) ? `${start}"${version}"` : line,
  );
}
