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

/** What `requireBearerAuth` of the MCP SDKs takes as `verifier`. */
export interface AccessTokenVerifier {
  /**
   * Throws the SDK's InvalidTokenError (401) for a token that is not good here, and TokenVerificationUnavailableError
   * (500) where the authorization server cannot be asked.
   */
  verifyAccessToken(token: string): Promise<AccessTokenInfo>;
}

/**
 * Verifies the access tokens of one authorization server for one MCP server: issuer, audience, lifetime, and that it
 * is a bearer token.
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

  return {
    async verifyAccessToken(token) {
      const now = (options.now?.() ?? new Date()).getTime();
      const found = await claimsOf(token, now);
      const info =
        'refused' in found
          ? found
          : readTokenClaims(token, found.claims, {
              issuer,
              resource,
              clockToleranceSeconds: options.clockToleranceSeconds ?? 5,
              now: now / 1000,
            });
      if (!('refused' in info)) return info;
      const { invalidToken } = options.errors ?? (await defaultErrors());
      throw invalidToken(info.refused);
    },
  };
}
