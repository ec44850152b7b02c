/** A JWT in form. Its signature is the text `signature`. */
export function jwt(claims: Record<string, unknown> = {}): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const exp = Math.floor(Date.now() / 1_000) + 600;
  return `${part({ alg: 'RS256' })}.${part({ iss: 'https://platform.example', sub: 'job', exp, ...claims })}.c2lnbmF0dXJl`;
}
