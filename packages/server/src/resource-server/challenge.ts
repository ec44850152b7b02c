/** A `WWW-Authenticate: Bearer` challenge (RFC 6750 section 3, RFC 9728 section 5.1). */
export function bearerChallenge(parameters: Readonly<Record<string, string | undefined>>): string {
  const parts = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}="${value.replaceAll(/["\\]/gu, String.raw`\$&`)}"`],
  );
  return `Bearer ${parts.join(', ')}`;
}
