import { ClientSecretPost } from 'oauth4webapi';
import { CredenceError } from '../errors/credence-error.ts';
import { nonEmpty } from './checks.ts';
import type { ClientCredential, CredentialWarning } from './credential.ts';
import { fingerprintOf } from './fingerprint.ts';
import { isFile, readSecret, readSecretFile, rotatingFile } from './rotating.ts';

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
 * runs. If the file cannot be read or is empty for a while, the last secret is used, with a warning. Throws `invalid_configuration` if a
 * field is missing, and `credential_unavailable` if the file cannot be read at the start.
 */
export function clientSecret(options: ClientSecretOptions): ClientCredential {
  const clientId = nonEmpty(options.clientId, 'clientSecret({ clientId })');
  const { secret, method = 'basic', encoding = 'form' } = options;
  const source = secretSource(secret);
  const secretNow = source.now;
  const file = isFile(secret) ? secret.file : undefined;
  const fingerprint = async () => {
    const text = await source.text();
    return text === undefined ? undefined : fingerprintOf(JSON.stringify([method, encoding, text]));
  };
  if (method === 'post') {
    return {
      method: 'client_secret_post',
      clientId,
      file,
      fingerprint,
      async authenticate({ issuer, body, headers, warn }) {
        await ClientSecretPost(await secretNow(warn))({ issuer }, { client_id: clientId }, body, headers);
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
    file,
    fingerprint,
    async authenticate({ headers, warn }) {
      const basic = `${encode(clientId)}:${encode(await secretNow(warn))}`;
      headers.set('authorization', `Basic ${Buffer.from(basic).toString('base64')}`);
    },
  };
}

type Warn = ((warning: CredentialWarning) => void) | undefined;

interface SecretSource {
  readonly now: (warn: Warn) => string | Promise<string>;
  /** The secret without a request to another party. Undefined for a callback, which may ask a vault. */
  readonly text: () => Promise<string | undefined>;
}

function secretSource(secret: ClientSecretOptions['secret']): SecretSource {
  if (typeof secret === 'function') return { now: () => readSecret(secret, OPTION), text: async () => undefined };
  if (!isFile(secret)) {
    nonEmpty(secret, OPTION);
    return { now: () => secret, text: async () => secret };
  }
  const file = rotatingFile(secret, OPTION, (text) => text, readSecretFile(secret, OPTION));
  return { now: (warn) => file.current(warn), text: () => file.text() };
}

/**
 * Encodes one value as application/x-www-form-urlencoded by the URL standard, which does not encode `-`, `_`, `.` and `*`.
 * ClientSecretBasic of oauth4webapi encodes these four too, and a server that does not decode would refuse the secret.
 */
function formEncode(value: string): string {
  return new URLSearchParams({ '': value }).toString().slice(1);
}
