import { ClientSecretPost } from 'oauth4webapi';
import { CredenceError } from '../errors/credence-error.ts';
import { nonEmpty } from './checks.ts';
import type { ClientCredential } from './credential.ts';
import { fingerprintOf } from './fingerprint.ts';
import { isFile, readSecret, readSecretFile } from './rotating.ts';

const OPTION = 'clientSecret({ secret })';

/** Options of `clientSecret`. */
export interface ClientSecretOptions {
  /** The client id at the issuer that this credential belongs to. */
  clientId: string;
  /** The secret, or a file or callback from which it is read before each request. */
  secret: string | { readonly file: string } | (() => string | Promise<string>);
  /** `basic` (default): in the Authorization header. `post`: in the body. RFC 6749 section 2.3.1. */
  method?: 'basic' | 'post' | undefined;
  /**
   * How the client id and the secret are encoded in the Basic header. `form` (default) follows RFC 6749 section 2.3.1. `raw` does
   * not encode them: for servers that do not decode, and secrets with characters that form-encoding changes.
   */
  encoding?: 'form' | 'raw' | undefined;
}

/**
 * Client authentication by a secret (RFC 6749 section 2.3.1). A secret in a file or from a callback can be replaced while the bot
 * runs. Throws `invalid_configuration` if a field is missing, and `credential_unavailable` if the file cannot be read.
 */
export function clientSecret(options: ClientSecretOptions): ClientCredential {
  const clientId = nonEmpty(options.clientId, 'clientSecret({ clientId })');
  const { secret, method = 'basic', encoding = 'form' } = options;
  if (isFile(secret)) readSecretFile(secret, OPTION);
  else if (typeof secret !== 'function') nonEmpty(secret, OPTION);
  // A callback is not called for a fingerprint: it may ask a vault.
  const fingerprint = async () =>
    typeof secret === 'function' ? undefined : fingerprintOf(JSON.stringify([method, encoding, await secretNow()]));
  const secretNow = () => (typeof secret === 'string' ? secret : readSecret(secret, OPTION));
  if (method === 'post') {
    return {
      method: 'client_secret_post',
      clientId,
      fingerprint,
      async authenticate({ issuer, body, headers }) {
        await ClientSecretPost(await secretNow())({ issuer }, { client_id: clientId }, body, headers);
      },
    };
  }
  if (encoding === 'raw' && clientId.includes(':')) {
    throw new CredenceError({
      code: 'invalid_configuration',
      leg: 'configure',
      message: 'clientSecret({ clientId }) contains a colon, which a raw Basic header cannot contain.',
      remedy: "Use encoding: 'form', or method: 'post'.",
      contact: 'you',
    });
  }
  const encode = encoding === 'form' ? formEncode : (value: string) => value;
  return {
    method: 'client_secret_basic',
    clientId,
    fingerprint,
    async authenticate({ headers }) {
      const basic = `${encode(clientId)}:${encode(await secretNow())}`;
      headers.set('authorization', `Basic ${Buffer.from(basic).toString('base64')}`);
    },
  };
}

/**
 * Encodes one value as application/x-www-form-urlencoded by the URL standard, which does not encode `-`, `_`, `.` and `*`.
 * ClientSecretBasic of oauth4webapi encodes these four too, and a server that does not decode would refuse the secret.
 */
function formEncode(value: string): string {
  return new URLSearchParams({ '': value }).toString().slice(1);
}
