import { ClientSecretPost } from 'oauth4webapi';
import { CredenceError } from '../errors/credence-error.ts';
import { nonEmpty } from './checks.ts';
import type { ClientCredential } from './credential.ts';

export interface ClientSecretOptions {
  clientId: string;
  secret: string;
  /** `basic` (default): in the Authorization header. `post`: in the body. RFC 6749 section 2.3.1. */
  method?: 'basic' | 'post';
  /**
   * How id and secret are put into the Basic header. `form` (default) is what RFC 6749 section 2.3.1 says; `raw` is for
   * servers that do not decode it and whose secrets contain characters that form-encoding changes.
   */
  encoding?: 'form' | 'raw';
}

/** A shared secret (RFC 6749 section 2.3.1). Throws `invalid_configuration` when a field is missing. */
export function clientSecret(options: ClientSecretOptions): ClientCredential {
  const clientId = nonEmpty(options.clientId, 'clientSecret({ clientId })');
  const secret = nonEmpty(options.secret, 'clientSecret({ secret })');
  const { method = 'basic', encoding = 'form' } = options;
  if (method === 'post') {
    const post = ClientSecretPost(secret);
    return {
      method: 'client_secret_post',
      clientId,
      authenticate: ({ issuer, body, headers }) => post({ issuer }, { client_id: clientId }, body, headers),
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
  const basic = `Basic ${Buffer.from(`${encode(clientId)}:${encode(secret)}`).toString('base64')}`;
  return {
    method: 'client_secret_basic',
    clientId,
    authenticate: ({ headers }) => headers.set('authorization', basic),
  };
}

/**
 * application/x-www-form-urlencoded of one value, as the URL standard has it. oauth4webapi's ClientSecretBasic also encodes
 * `-`, `_`, `.` and `*`, which servers that do not decode then refuse; those four are left alone by the standard.
 */
function formEncode(value: string): string {
  return new URLSearchParams({ '': value }).toString().slice(1);
}
