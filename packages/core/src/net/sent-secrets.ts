const SECRET_PARAMETERS = [
  'client_secret',
  'client_assertion',
  'assertion',
  'subject_token',
  'actor_token',
  'refresh_token',
];

/** The secrets in a request. These secrets are removed from the texts of the peer, because a peer may echo the request. */
export function sentSecrets(init: RequestInit): readonly string[] {
  const secrets: string[] = [];
  if (init.body instanceof URLSearchParams) {
    for (const name of SECRET_PARAMETERS) secrets.push(...init.body.getAll(name));
  }
  const authorization = new Headers(init.headers).get('authorization');
  const [scheme, value] = authorization?.split(' ') ?? [];
  if (value) {
    secrets.push(value);
    if (scheme?.toLowerCase() === 'basic') {
      const pair = Buffer.from(value, 'base64').toString();
      const password = pair.slice(pair.indexOf(':') + 1);
      if (password) secrets.push(password, decodeURIComponentOrSame(password));
    }
  }
  return secrets.filter((secret) => secret !== '');
}

function decodeURIComponentOrSame(value: string): string {
  try {
    return decodeURIComponent(value.replaceAll('+', ' '));
  } catch {
    return value;
  }
}
