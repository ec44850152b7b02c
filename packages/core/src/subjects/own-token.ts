import { sortedEntries, TOKEN_TYPE_ACCESS_TOKEN } from '@credence/protocol';
import type { ClientCredential } from '../credentials/credential.ts';
import { CredenceError } from '../errors/credence-error.ts';
import { checkParameters } from './reserved-parameters.ts';
import type { SubjectTokenSource } from './subject.ts';

/** Options of `ownToken`. */
export interface OwnTokenOptions {
  /** The issuer of the token, if it is not the IdP. `credential` is then required. */
  issuer?: string | undefined;
  /** The credential of the client that requests the token. Default: the credential of the principal at the IdP. */
  credential?: ClientCredential | undefined;
  /** The `scope` parameter of the request. Default: none is sent. */
  scope?: string | undefined;
  /** The `resource` parameter (RFC 8707). Default: none is sent. */
  resource?: string | undefined;
  /** The `audience` parameter, which some IdPs require. Default: none is sent. */
  audience?: string | undefined;
  /** Additional form parameters. Parameters with an option of their own are refused here. */
  parameters?: Readonly<Record<string, string>> | undefined;
  /**
   * The token that is exchanged for the own token by token exchange (RFC 8693), in place of `client_credentials`: for IdPs that accept
   * the token of a platform (`fromWorkloadToken`). It is requested each time the own token is.
   */
  from?: SubjectTokenSource | undefined;
  /** The field of the response that contains the subject token. Default `access_token`. For `id_token`, also set `type`. */
  field?: string | undefined;
  /** The `subject_token_type`. Default: the access token type of RFC 8693 section 3. */
  type?: string | undefined;
}

/**
 * A subject token source that requests a token for the principal itself by `client_credentials` (RFC 6749 section 4.4), at the IdP
 * or at another `issuer`. The token is reused while it is valid. Throws `invalid_configuration` for an `issuer`
 * without a `credential`, and for a parameter that has an option of its own.
 */
export function ownToken(options: OwnTokenOptions = {}): SubjectTokenSource {
  const {
    issuer,
    credential,
    scope,
    resource,
    audience,
    from,
    field = 'access_token',
    type = TOKEN_TYPE_ACCESS_TOKEN,
  } = options;
  if (issuer !== undefined && credential === undefined) {
    throw new CredenceError({
      code: 'invalid_configuration',
      leg: 'configure',
      message: 'ownToken({ issuer }) names another issuer and no credential for it.',
      remedy:
        'Give ownToken({ issuer, credential }): a credential is never sent to an issuer it was not registered with.',
      contact: 'you',
    });
  }
  checkParameters('ownToken({ parameters })', options.parameters, {
    grant_type: undefined,
    subject_token: 'ownToken({ from })',
    subject_token_type: 'ownToken({ from })',
    scope: 'ownToken({ scope })',
    resource: 'ownToken({ resource })',
    audience: 'ownToken({ audience })',
  });
  const parameters = { ...options.parameters, scope, resource, audience };
  return {
    kind: 'ownToken',
    type,
    identity: JSON.stringify([
      issuer ?? '',
      credential?.clientId ?? '',
      field,
      sortedEntries(parameters),
      ...(from ? [from.kind, from.type, from.identity] : []),
    ]),
    issuer,
    credential,
    async get(context) {
      const exchanged = from && { token: (await from.get(context)).token, type: from.type };
      return context.clientCredentials({ issuer, credential, parameters, field, exchanged });
    },
  };
}
