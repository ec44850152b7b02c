import { sortedEntries, TOKEN_TYPE_ACCESS_TOKEN } from '@credence/protocol';
import type { ClientCredential } from '../credentials/credential.ts';
import { CredenceError } from '../errors/credence-error.ts';
import type { SubjectTokenSource } from './subject.ts';

/** Options of `ownToken`. */
export interface OwnTokenOptions {
  /** Where the token comes from, if not the IdP itself; its `credential` must then be given too. */
  issuer?: string | undefined;
  /** The client that asks for it, if not the principal's own at the IdP. */
  credential?: ClientCredential | undefined;
  /** The `scope` parameter of the request. Default: none is sent. */
  scope?: string | undefined;
  /** The `resource` parameter (RFC 8707). Default: none is sent. */
  resource?: string | undefined;
  /** The `audience` parameter, which some IdPs want. Default: none is sent. */
  audience?: string | undefined;
  /** Further form parameters. */
  parameters?: Readonly<Record<string, string>> | undefined;
  /** The field of the answer that is the subject token. Default `access_token`. `id_token` wants its `type` beside it. */
  field?: string | undefined;
  /** `subject_token_type`. Default the access token type of RFC 8693 section 3. */
  type?: string | undefined;
}

/**
 * The principal's own token, by `client_credentials` (RFC 6749 section 4.4) at the IdP or where the IdP wants it from; kept
 * and reused while it is good. Throws `invalid_configuration` when another issuer is named without its own credential.
 */
export function ownToken(options: OwnTokenOptions = {}): SubjectTokenSource {
  const {
    issuer,
    credential,
    scope,
    resource,
    audience,
    field = 'access_token',
    type = TOKEN_TYPE_ACCESS_TOKEN,
  } = options;
  if (issuer !== undefined && credential === undefined) {
    throw new CredenceError({
      code: 'invalid_configuration',
      leg: 'configure',
      message: 'ownToken({ issuer }) names another issuer but no credential for it.',
      remedy:
        'Give ownToken({ issuer, credential }): a credential is never sent to an issuer it was not registered with.',
      contact: 'you',
    });
  }
  const parameters = { ...options.parameters, scope, resource, audience };
  return {
    kind: 'ownToken',
    type,
    identity: JSON.stringify([issuer ?? '', credential?.clientId ?? '', field, sortedEntries(parameters)]),
    issuer,
    credential,
    get: (context) => context.clientCredentials({ issuer, credential, parameters, field }),
  };
}
