/** The parameters of token requests whose values everybody may see. The values of `idp.parameters` can have any name. */
const PUBLIC_PARAMETERS: ReadonlySet<string> = new Set([
  'grant_type',
  'client_id',
  'client_assertion_type',
  'requested_token_type',
  'subject_token_type',
  'actor_token_type',
  'scope',
  'audience',
  'resource',
  'authorization_details',
]);
/** Words in the names of parameters and members whose values are secrets. */
const SECRET_NAME = /secret|token|assertion|passw|passphrase|credential|key|code|proof|signature|cookie|session|auth/iu;
/** The headers of token requests whose values everybody may see. A credential can add a header of any other name. */
const PUBLIC_HEADERS: ReadonlySet<string> = new Set([
  'accept',
  'accept-encoding',
  'accept-language',
  'content-length',
  'content-type',
  'user-agent',
]);

/**
 * The secrets in a request: client authentication, assertions, tokens, DPoP proofs, cookies and other headers, and every parameter
 * whose name says that it is secret. These secrets are removed from the texts of the peer, because a peer may echo the request.
 * `redact` finds them in other spellings too.
 */
export function sentSecrets(init: RequestInit): readonly string[] {
  const secrets = new Set<string>();
  if (init.body instanceof URLSearchParams) {
    for (const [name, value] of init.body) {
      if (!PUBLIC_PARAMETERS.has(name) && SECRET_NAME.test(name)) secrets.add(value);
    }
  }
  for (const [name, value] of new Headers(init.headers)) {
    if (name === 'authorization') for (const secret of authorizationSecrets(value)) secrets.add(secret);
    else if (name === 'cookie') for (const pair of value.split(/;\s*/u)) secrets.add(pair.slice(pair.indexOf('=') + 1));
    else if (!PUBLIC_HEADERS.has(name)) secrets.add(value);
  }
  secrets.delete('');
  return [...secrets];
}

/** The credentials of an Authorization header. Of a Basic header also the secret, as it was sent and form-decoded. */
function authorizationSecrets(header: string): readonly string[] {
  const [, scheme = '', value = ''] = /^\s*(\S+)\s+(.*)$/su.exec(header) ?? [undefined, '', header];
  if (scheme.toLowerCase() !== 'basic') return [value];
  const pair = Buffer.from(value, 'base64').toString();
  const password = pair.slice(pair.indexOf(':') + 1);
  return [value, password, formDecoded(password)];
}

/** The secrets in a JSON response of a token endpoint: tokens, and every other text whose name says that it is secret. */
export function receivedSecrets(body: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.entries(body).flatMap(([name, value]) =>
    typeof value === 'string' && value !== '' && SECRET_NAME.test(name) && !NOT_SECRET.has(name) ? [value] : [],
  );
}

/** The members of a token response whose names contain such a word and whose values are not secret. */
const NOT_SECRET: ReadonlySet<string> = new Set([
  'token_type',
  'issued_token_type',
  'authorization_details',
  'error_codes',
]);

function formDecoded(value: string): string {
  try {
    return decodeURIComponent(value.replaceAll('+', ' '));
  } catch {
    return value;
  }
}
