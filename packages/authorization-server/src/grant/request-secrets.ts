import type { Parameters } from './parameters.ts';

/** The credentials of a token request, which no audit record may contain. */
export interface RequestSecrets {
  /** Tokens, assertions and proofs. */
  readonly tokens: readonly string[];
  /** Client secrets, each as it was sent and as it is meant. */
  readonly clientSecrets: readonly string[];
}

/** The headers of a token request that can contain a credential. */
export interface CredentialHeaders {
  readonly authorization?: string | null | undefined;
  /** A list if the request has several DPoP headers. */
  readonly dpop?: string | readonly string[] | null | undefined;
}

const TOKEN_PARAMETERS = ['assertion', 'client_assertion', 'subject_token', 'actor_token'];

/**
 * Collects the credentials of a request, before any of them is checked: the parameters may be repeated or malformed. Never
 * throws.
 */
export function requestSecrets(headers: CredentialHeaders, parameters: Parameters = {}): RequestSecrets {
  const valuesOf = (name: string) => textsOf(parameters[name]);
  const basic = /^\s*Basic\s+(?<credentials>\S+)/iu.exec(headers.authorization ?? '')?.groups?.['credentials'];
  // RFC 9110 section 11.4: the scheme, then the credentials.
  const other = basic === undefined ? (headers.authorization ?? '').replace(/^\s*[\w-]+\s+/u, '') : '';
  return {
    tokens: [...TOKEN_PARAMETERS.flatMap(valuesOf), ...textsOf(headers.dpop), other].filter(isFilled),
    clientSecrets: [...valuesOf('client_secret'), ...(basic === undefined ? [] : basicSecrets(basic))].filter(isFilled),
  };
}

/** RFC 6749 section 2.3.1: the secret of Basic credentials is form-encoded. Many clients send it as it is. */
function basicSecrets(credentials: string): string[] {
  const decoded = Buffer.from(credentials, 'base64').toString('utf8');
  const secret = decoded.slice(decoded.indexOf(':') + 1);
  return [credentials, secret, new URLSearchParams(`secret=${secret.replaceAll('&', '%26')}`).get('secret') ?? ''];
}

function textsOf(value: unknown): string[] {
  return [value].flat().filter((each) => typeof each === 'string');
}

function isFilled(text: string): boolean {
  return text !== '';
}
