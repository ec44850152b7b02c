import { checkConfiguredUrl, checkList, checkNumber, defaultFetch, type FetchLike } from '@credence/protocol';
import type { AccessTokenInfo } from './auth-info.ts';
import { type AccessTokenErrors, defaultErrors, TokenVerificationUnavailableError } from './errors.ts';
import { type IntrospectionOptions, introspector } from './introspection.ts';
import { jwtTokenClaims } from './jwt-access-token.ts';
import { type OnRefused, type Reason, refusedToken, report, type TokenRefusal, unverifiable } from './refusals.ts';
import { readTokenClaims } from './token-claims.ts';

const WHERE = 'accessTokenVerifier';

/** Whose access tokens are verified, for which server, and how: as JWTs, or by asking about them. */
export type AccessTokenVerifierOptions = {
  /** The authorization server's issuer identifier. */
  readonly issuer: string;
  /** This server's resource identifier: the audience its tokens must have. */
  readonly resource: string;
  /**
   * Makes the errors that are thrown. Default: those of `@modelcontextprotocol/sdk` 1.x where it is installed. For
   * SDK v2: `{ invalidToken: (message) => new OAuthError(OAuthErrorCode.InvalidToken, message) }`.
   */
  readonly errors?: AccessTokenErrors | undefined;
  /**
   * Told of every request that is refused and why, by `verifyAccessToken` and by the gates that have this verifier: 401
   * and 503, not the 403 for a scope. Awaited, for ten seconds at most; where it throws, the answer stays what it is.
   */
  readonly onRefused?: OnRefused | undefined;
  /** How far clocks may be apart, in seconds, 3600 at most. Default: 5. */
  readonly clockToleranceSeconds?: number | undefined;
  /** The current time. Default: the system's clock. */
  readonly now?: (() => Date) | undefined;
  /** For fetching metadata and key sets, and for introspection. Default: the global one. */
  readonly fetch?: FetchLike | undefined;
} & (
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
  /** The resource identifier that tokens must be for. */
  readonly resource: string;
  /** Told of every request that is refused; the option of the same name. */
  readonly onRefused?: OnRefused | undefined;
  /**
   * Throws the SDK's InvalidTokenError (401) for a token that is not good here, and TokenVerificationUnavailableError
   * (500) where the authorization server cannot be asked.
   */
  verifyAccessToken(token: string): Promise<AccessTokenInfo>;
  /**
   * The same without errors of an SDK, and without telling `onRefused`: why a token is refused. `dpopThumbprint` is that
   * of the key of a verified proof that came with it; the token must then be bound to that key. Throws
   * TokenVerificationUnavailableError.
   */
  checkAccessToken(token: string, dpopThumbprint?: string): Promise<AccessTokenInfo | TokenRefusal>;
}

/**
 * Verifies the access tokens of one authorization server for one MCP server: issuer, audience, lifetime, and that it
 * is a bearer token. Tokens that are bound to a key pass `accessTokenGate` only, which sees the proof. Throws a TypeError
 * for options that cannot be meant.
 */
export function accessTokenVerifier(options: AccessTokenVerifierOptions): AccessTokenVerifier {
  const { issuer, resource, onRefused, clockToleranceSeconds = 5 } = options;
  checkOptions(options);
  const currentTime = options.now ?? (() => new Date());
  const claimsOf =
    options.introspection === undefined
      ? (token: string, now: number) => jwtTokenClaims(token, { issuer, ...options.jwt, fetch: options.fetch }, now)
      : introspector(issuer, options.introspection, options.fetch ?? defaultFetch);
  const said = options.introspection === undefined ? 'jwt' : 'introspection';

  const checkAccessToken: AccessTokenVerifier['checkAccessToken'] = async (token, dpopThumbprint) => {
    const now = currentTime().getTime();
    const found = await claimsOf(token, now);
    if ('refused' in found) return found;
    const rules = { said, issuer, resource, clockToleranceSeconds, now: now / 1000, dpopThumbprint } as const;
    return readTokenClaims(token, found.claims, rules);
  };

  const tell = (reason: Reason) => report(onRefused, { time: currentTime(), resource, ...reason });

  return {
    resource,
    onRefused,
    checkAccessToken,
    // The SDKs call it with a token alone, and only for the scheme Bearer.
    async verifyAccessToken(token) {
      let info: AccessTokenInfo | TokenRefusal;
      try {
        info = await checkAccessToken(token);
      } catch (error) {
        if (error instanceof TokenVerificationUnavailableError) await tell(unverifiable(error));
        throw error;
      }
      if (!('refused' in info)) return info;
      await tell(refusedToken(info));
      const { invalidToken } = options.errors ?? (await defaultErrors());
      throw invalidToken(info.refused);
    },
  };
}

function checkOptions(options: AccessTokenVerifierOptions): void {
  const { issuer, resource, jwt, introspection, onRefused, clockToleranceSeconds } = options;
  for (const value of [issuer, resource]) {
    if (!URL.canParse(value)) throw new TypeError(`${WHERE}: ${value} is not an absolute URL`);
  }
  if ((jwt === undefined) === (introspection === undefined)) {
    throw new TypeError(`${WHERE}: either jwt or introspection is needed`);
  }
  checkConfiguredUrl(WHERE, jwt?.jwksUri ?? introspection?.endpoint ?? issuer);
  checkList(WHERE, 'jwt.algorithms', jwt?.algorithms);
  if (introspection !== undefined) checkIntrospection(introspection);
  checkNumber(WHERE, 'clockToleranceSeconds', clockToleranceSeconds, { max: 3600 });
  if (onRefused !== undefined && typeof onRefused !== 'function') {
    throw new TypeError(`${WHERE}: onRefused is not a function`);
  }
}

function checkIntrospection(introspection: IntrospectionOptions): void {
  for (const name of ['clientId', 'clientSecret'] as const) {
    const value: unknown = introspection[name];
    if (typeof value !== 'string' || value === '') throw new TypeError(`${WHERE}: introspection.${name} is no text`);
  }
  checkNumber(WHERE, 'introspection.cacheSeconds', introspection.cacheSeconds);
}
