import { defaultFetch, type FetchLike } from '../keys/fetch-json.ts';
import type { AccessTokenInfo } from './auth-info.ts';
import { type AccessTokenErrors, defaultErrors } from './errors.ts';
import { type IntrospectionOptions, introspector } from './introspection.ts';
import { jwtTokenClaims } from './jwt-access-token.ts';
import { readTokenClaims } from './token-claims.ts';

interface CommonOptions {
  /** The authorization server's issuer identifier. */
  readonly issuer: string;
  /** This server's resource identifier: the audience its tokens must have. */
  readonly resource: string;
  /**
   * Makes the errors that are thrown. Default: those of `@modelcontextprotocol/sdk` 1.x where it is installed. For
   * SDK v2: `{ invalidToken: (message) => new OAuthError(OAuthErrorCode.InvalidToken, message) }`.
   */
  readonly errors?: AccessTokenErrors | undefined;
  /** Default: 5. */
  readonly clockToleranceSeconds?: number | undefined;
  readonly now?: (() => Date) | undefined;
  readonly fetch?: FetchLike | undefined;
}

export type AccessTokenVerifierOptions = CommonOptions &
  (
    | {
        /** JWT access tokens (RFC 9068), verified by the issuer's key set. */
        readonly jwt: { readonly jwksUri?: string | undefined; readonly algorithms?: readonly string[] | undefined };
        readonly introspection?: never;
      }
    | {
        /** Opaque access tokens, asked about at the issuer (RFC 7662). */
        readonly introspection: IntrospectionOptions;
        readonly jwt?: never;
      }
  );

/** What `requireBearerAuth` of the MCP SDKs takes as `verifier`, and `accessTokenGate`, which knows DPoP as well. */
export interface AccessTokenVerifier {
  readonly resource: string;
  /**
   * Throws the SDK's InvalidTokenError (401) for a token that is not good here, and TokenVerificationUnavailableError
   * (500) where the authorization server cannot be asked.
   */
  verifyAccessToken(token: string): Promise<AccessTokenInfo>;
  /**
   * The same without errors of an SDK: why a token is refused, in one fixed sentence. `dpopThumbprint` is that of the
   * key of a verified proof that came with it; the token must then be bound to that key. Throws
   * TokenVerificationUnavailableError.
   */
  checkAccessToken(token: string, dpopThumbprint?: string): Promise<AccessTokenInfo | { refused: string }>;
}

/**
 * Verifies the access tokens of one authorization server for one MCP server: issuer, audience, lifetime, and that it
 * is a bearer token. Tokens that are bound to a key pass `accessTokenGate` only, which sees the proof.
 */
export function accessTokenVerifier(options: AccessTokenVerifierOptions): AccessTokenVerifier {
  const { issuer, resource } = options;
  for (const value of [issuer, resource]) {
    if (!URL.canParse(value)) throw new TypeError(`accessTokenVerifier: ${value} is not an absolute URL`);
  }
  const fetchFunction = options.fetch ?? defaultFetch;
  const introspect =
    options.introspection === undefined ? undefined : introspector(issuer, options.introspection, fetchFunction);
  const { jwt } = options;

  const claimsOf = async (token: string, now: number): Promise<{ claims: unknown } | { refused: string }> => {
    if (introspect === undefined) return jwtTokenClaims(token, { issuer, ...jwt, fetch: options.fetch }, now);
    const claims = await introspect(token, now);
    return claims === undefined ? { refused: 'The token is unknown, expired or revoked' } : { claims };
  };

  const checkAccessToken: AccessTokenVerifier['checkAccessToken'] = async (token, dpopThumbprint) => {
    const now = (options.now?.() ?? new Date()).getTime();
    const found = await claimsOf(token, now);
    if ('refused' in found) return found;
    return readTokenClaims(token, found.claims, {
      issuer,
      resource,
      clockToleranceSeconds: options.clockToleranceSeconds ?? 5,
      now: now / 1000,
      dpopThumbprint,
    });
  };

  return {
    resource,
    checkAccessToken,
    // The SDKs call it with a token alone, and only for the scheme Bearer.
    async verifyAccessToken(token) {
      const info = await checkAccessToken(token);
      if (!('refused' in info)) return info;
      const { invalidToken } = options.errors ?? (await defaultErrors());
      throw invalidToken(info.refused);
    },
  };
}
