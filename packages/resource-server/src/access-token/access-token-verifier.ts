import {
  checkConfiguredUrl,
  checkList,
  checkNumber,
  defaultFetch,
  type FetchLike,
  parsedUrl,
} from '@credence/protocol';
import type { AccessTokenInfo } from './auth-info.ts';
import { type AccessTokenErrors, defaultErrors, unavailability } from './errors.ts';
import { type IntrospectionOptions, introspector } from './introspection.ts';
import { jwtTokenClaims } from './jwt-access-token.ts';
import { checkedJwtForm, type JwtForm } from './jwt-form.ts';
import { type OnRefused, type Reason, refusedToken, report, type TokenRefusal, unverifiable } from './refusals.ts';
import { standardClaims } from './standard-claims.ts';
import { readTokenClaims, type TokenRules } from './token-claims.ts';

const WHERE = 'accessTokenVerifier';

/** The authorization server whose access tokens are verified, the MCP server they are for, and the method: JWT or introspection. */
export type AccessTokenVerifierOptions = {
  /** The authorization server's issuer identifier. */
  readonly issuer: string;
  /** This server's resource identifier: the audience that access tokens must have. */
  readonly resource: string;
  /**
   * Creates the errors that `verifyAccessToken` throws. Default: errors of `@modelcontextprotocol/sdk` 1.x if it is
   * installed, else InvalidAccessTokenError. For SDK v2:
   * `{ invalidToken: (message) => new OAuthError(OAuthErrorCode.InvalidToken, message) }`.
   */
  readonly errors?: AccessTokenErrors | undefined;
  /**
   * Called with the reason for each request that `verifyAccessToken`, or a gate with this verifier, refuses with 401 or
   * 503. Not called for a 403 because of a scope. The response waits for it, for at most ten seconds. If it throws, the
   * response does not change.
   */
  readonly onRefused?: OnRefused | undefined;
  /** The largest difference between the clocks of the issuer and this server, in seconds, at most 3600. Default: 5. */
  readonly clockToleranceSeconds?: number | undefined;
  /** The current time. Default: the system's clock. */
  readonly now?: (() => Date) | undefined;
  /** Sends the requests for metadata, key sets and introspection. Default: the global fetch. */
  readonly fetch?: FetchLike | undefined;
} & (
  | {
      /** For JWT access tokens, which are verified with the issuer's key set. `{}` accepts tokens of RFC 9068. */
      readonly jwt: JwtOptions;
      readonly introspection?: never;
    }
  | {
      /** For opaque access tokens, which are verified by introspection at the issuer (RFC 7662). */
      readonly introspection: IntrospectionOptions;
      readonly jwt?: never;
    }
);

/** The keys of an issuer, and the form of its JWT access tokens. */
export interface JwtOptions extends JwtForm {
  /** The URL of the issuer's key set. Default: `jwks_uri` in the issuer's metadata. */
  readonly jwksUri?: string | undefined;
  /** The accepted signature algorithms. Default: every asymmetric algorithm in common use. */
  readonly algorithms?: readonly string[] | undefined;
}

/** Verifies access tokens. The option `verifier` of `accessTokenGate`, and of `requireBearerAuth` of the MCP SDKs. */
export interface AccessTokenVerifier {
  /** The resource identifier that tokens must be for. */
  readonly resource: string;
  /** The option `onRefused` of {@link accessTokenVerifier}. */
  readonly onRefused?: OnRefused | undefined;
  /**
   * Returns the content of a valid token. Throws the SDK's InvalidTokenError (401) for an invalid token, and
   * TokenVerificationUnavailableError (500) if the authorization server cannot be reached or gives no usable response, or
   * if the verification fails in an unexpected way.
   */
  verifyAccessToken(token: string): Promise<AccessTokenInfo>;
  /**
   * Does the same, but returns the reason for an invalid token instead of throwing, and does not call `onRefused`.
   * `dpopThumbprint` is the thumbprint of the key of the request's DPoP proof, whose signature the caller verifies. If it is
   * set, the token must be bound to that key. Throws TokenVerificationUnavailableError.
   */
  checkAccessToken(token: string, dpopThumbprint?: string): Promise<AccessTokenInfo | TokenRefusal>;
}

/**
 * Creates a verifier for the access tokens of one authorization server and one MCP server. The verifier checks issuer, audience and
 * lifetime. `verifyAccessToken` accepts bearer tokens only. For tokens that are bound to a key, use `accessTokenGate`, which
 * verifies their proofs. Throws a TypeError for invalid options.
 */
export function accessTokenVerifier(options: AccessTokenVerifierOptions): AccessTokenVerifier {
  const { issuer, resource, onRefused, clockToleranceSeconds = 5 } = options;
  checkOptions(options);
  const currentTime = options.now ?? (() => new Date());
  const rules = { issuer, resource, clockToleranceSeconds };
  const read = options.introspection === undefined ? jwtReader(options, rules) : introspectionReader(options, rules);

  const checkAccessToken: AccessTokenVerifier['checkAccessToken'] = async (token, dpopThumbprint) =>
    read(token, currentTime().getTime(), dpopThumbprint);

  const reportRefusal = (reason: Reason) => report(onRefused, { time: currentTime(), resource, ...reason });

  return {
    resource,
    onRefused,
    checkAccessToken,
    // The SDKs call this function only for the scheme Bearer, and pass no DPoP proof.
    async verifyAccessToken(token) {
      let info: AccessTokenInfo | TokenRefusal;
      try {
        info = await checkAccessToken(token);
      } catch (error) {
        const failure = unavailability(error);
        await reportRefusal(unverifiable(failure));
        throw failure;
      }
      if (!('refused' in info)) return info;
      await reportRefusal(refusedToken(info));
      const { invalidToken } = options.errors ?? (await defaultErrors());
      throw invalidToken(info.refused);
    },
  };
}

/** Verifies a token. `now` is in epoch milliseconds. */
type Reader = (
  token: string,
  now: number,
  dpopThumbprint: string | undefined,
) => Promise<AccessTokenInfo | TokenRefusal>;
type Rules = Pick<TokenRules, 'issuer' | 'resource' | 'clockToleranceSeconds'>;

function jwtReader({ issuer, resource, jwt = {}, fetch }: AccessTokenVerifierOptions, rules: Rules): Reader {
  const form = checkedJwtForm(WHERE, jwt, resource);
  const { jwksUri, algorithms } = jwt;
  const source = { issuer, jwksUri, algorithms, types: form.types, fetch };
  const { audiences } = form;
  return async (token, now, dpopThumbprint) => {
    const found = await jwtTokenClaims(token, source, now);
    if ('refused' in found) return found;
    const standard = standardClaims(found.claims, found.type, form, resource);
    if ('refused' in standard) return standard;
    return readTokenClaims(
      token,
      { claims: standard.claims, original: found.claims },
      { ...rules, source: 'jwt', audiences, form, now: now / 1000, dpopThumbprint },
    );
  };
}

function introspectionReader(options: AccessTokenVerifierOptions, rules: Rules): Reader {
  if (options.introspection === undefined) throw new TypeError(`${WHERE}: introspection is not set`);
  const claimsOf = introspector(options.issuer, options.introspection, options.fetch ?? defaultFetch);
  const audiences = [options.resource];
  return async (token, now, dpopThumbprint) => {
    const found = await claimsOf(token, now);
    if ('refused' in found) return found;
    return readTokenClaims(
      token,
      { claims: found.claims, original: found.claims },
      { ...rules, source: 'introspection', audiences, now: now / 1000, dpopThumbprint },
    );
  };
}

function checkOptions(options: AccessTokenVerifierOptions): void {
  const { issuer, resource, jwt, introspection, onRefused, clockToleranceSeconds } = options;
  for (const value of [issuer, resource]) {
    if (parsedUrl(value) === undefined) throw new TypeError(`${WHERE}: ${value} is not an absolute URL`);
  }
  if ((jwt === undefined) === (introspection === undefined)) {
    throw new TypeError(`${WHERE}: set either jwt or introspection`);
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
    if (typeof value !== 'string' || value === '')
      throw new TypeError(`${WHERE}: introspection.${name} is not a string, or is empty`);
  }
  checkNumber(WHERE, 'introspection.cacheSeconds', introspection.cacheSeconds);
}
