import { ClientSecretPost } from 'oauth4webapi';
import { CredenceError } from '../errors/credence-error.ts';
import { nonEmpty } from './checks.ts';
import type { ClientCredential } from './credential.ts';
import { current, currentFile, isFile } from './rotating.ts';

const OPTION = 'clientSecret({ secret })';

/** Options of `clientSecret`. */
export interface ClientSecretOptions {
  /** The client id at the issuer that this credential belongs to. */
  clientId: string;
  /** The secret, or where it is found before each request: a file, a callback. */
  secret: string | { readonly file: string } | (() => string | Promise<string>);
  /** `basic` (default): in the Authorization header. `post`: in the body. RFC 6749 section 2.3.1. */
  method?: 'basic' | 'post' | undefined;
  /**
   * How id and secret are put into the Basic header. `form` (default) is what RFC 6749 section 2.3.1 says; `raw` is for
   * servers that do not decode it and whose secrets contain characters that form-encoding changes.
   */
  encoding?: 'form' | 'raw' | undefined;
}

/**
 * A shared secret (RFC 6749 section 2.3.1). One in a file or behind a callback may be replaced while the bot runs. Throws
 * `invalid_configuration` when a field is missing, `credential_unavailable` when the file cannot be read.
 */
export function clientSecret(options: ClientSecretOptions): ClientCredential {
  const clientId = nonEmpty(options.clientId, 'clientSecret({ clientId })');
  const { secret, method = 'basic', encoding = 'form' } = options;
  if (isFile(secret)) currentFile(secret, OPTION);
  else if (typeof secret !== 'function') nonEmpty(secret, OPTION);
  const secretNow = () => (typeof secret === 'string' ? secret : current(secret, OPTION));
  if (method === 'post') {
    return {
      method: 'client_secret_post',
      clientId,
      async authenticate({ issuer, body, headers }) {
        await ClientSecretPost(await secretNow())({ issuer }, { client_id: clientId }, body, headers);
      },
    };
  }
  if (encoding === 'raw' && clientId.includes(':')) {
    throw new CredenceError({
      code: 'invalid_configuration',
      leg: 'configure',
      message: 'clientSecret({ clientId }) contains a colon, which a raw Basic header cannot carry.',
      remedy: "Use encoding: 'form', or method: 'post'.",
      contact: 'you',
    });
  }
  const encode = encoding === 'form' ? formEncode : (value: string) => value;
  return {
    method: 'client_secret_basic',
    clientId,
    async authenticate({ headers }) {
      const basic = `${encode(clientId)}:${encode(await secretNow())}`;
      headers.set('authorization', `Basic ${Buffer.from(basic).toString('base64')}`);
    },
  };
}

/**
 * application/x-www-form-urlencoded of one value, as the URL standard has it. oauth4webapi's ClientSecretBasic also encodes
 * `-`, `_`, `.` and `*`, which servers that do not decode then refuse; those four are left alone by the standard.
 */
function formEncode(value: string): string {
  return new URLSearchParams({ '': value }).toString().slice(1);
}
