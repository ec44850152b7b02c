import {
  type Awaitable,
  callback,
  checkedElsewhere,
  checkNumber,
  checkShape,
  GRANT_CLIENT_CREDENTIALS,
} from '@credence/protocol';
import { extendAnswers } from '@credence/authorization-server/oidc-provider-internals';
import type { KoaContextWithOIDC } from 'oidc-provider';
import { z } from 'zod';
import type { SigningKeys } from '../signing-keys/signing-keys.ts';
import { checkedProvider } from './checked-provider.ts';
import type { OidcProviderLike } from './oidc-provider-like.ts';
import { principalSubject } from './principal-subject.ts';
import { signingKeysSchema } from './signing-keys-schema.ts';

/** The `gty` claim of a principal's ID token, which distinguishes it from the ID token of a user. */
export const PRINCIPAL_ID_TOKEN_MARK = GRANT_CLIENT_CREDENTIALS;

/** Options of `issuePrincipalIdTokens`. */
export interface PrincipalIdTokenOptions {
  /** The signing keys: the same as in the options of `addIdJagExchange`, which publishes them. */
  readonly signingKeys: SigningKeys;
  /** Returns the subject of a principal: the same function as in the options of `addIdJagExchange`. Default: the client id. */
  readonly subject?: ((clientId: string) => Awaitable<string>) | undefined;
  /** Returns further claims. These claims do not override the claims that OpenID Connect defines. */
  readonly claims?: ((clientId: string) => Awaitable<Record<string, unknown>>) | undefined;
  /** Lifetime of an ID token, in seconds. Default: 300. */
  readonly lifetimeSeconds?: number | undefined;
  /** The current time. Default: the system's clock. */
  readonly now?: (() => Date) | undefined;
}

const optionsSchema = z.strictObject({
  signingKeys: signingKeysSchema,
  subject: callback.optional(),
  claims: callback.optional(),
  lifetimeSeconds: checkedElsewhere,
  now: callback.optional(),
});

/**
 * Adds an `id_token` for the principal to `client_credentials` responses whose granted scope contains `openid`, for clients that
 * can exchange only ID tokens. OpenID Connect does not define ID tokens for this grant. Here `azp` is the client id and `gty` is
 * `client_credentials`. Throws a TypeError for invalid options.
 */
export function issuePrincipalIdTokens(oidcProvider: OidcProviderLike, options: PrincipalIdTokenOptions): void {
  const provider = checkedProvider('issuePrincipalIdTokens', oidcProvider);
  checkShape('issuePrincipalIdTokens', optionsSchema, options);
  checkNumber('issuePrincipalIdTokens', 'lifetimeSeconds', options.lifetimeSeconds, { min: 1, integer: true });
  extendAnswers(provider, 'token', async (body, ctx) => {
    const clientId = principalWithOpenId(ctx);
    if (clientId === undefined) return { ...body };
    const issuedAt = Math.floor((options.now?.() ?? new Date()).getTime() / 1000);
    const idToken = await options.signingKeys.sign(
      {
        ...(await options.claims?.(clientId)),
        iss: provider.issuer,
        sub: await principalSubject(options.subject, clientId),
        aud: clientId,
        azp: clientId,
        gty: PRINCIPAL_ID_TOKEN_MARK,
        iat: issuedAt,
        exp: issuedAt + (options.lifetimeSeconds ?? 300),
      },
      { typ: 'JWT' },
    );
    return { ...body, id_token: idToken };
  });
}

function principalWithOpenId(ctx: KoaContextWithOIDC): string | undefined {
  if (ctx.oidc.params?.['grant_type'] !== GRANT_CLIENT_CREDENTIALS) return undefined;
  const token = ctx.oidc.entities.ClientCredentials;
  return token?.scope?.split(' ').includes('openid') === true ? token.clientId : undefined;
}
