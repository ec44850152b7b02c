import { checkList, isJsonObject, type JsonObject, mediaType, stringField, stringList } from '@credence/protocol';
import { withoutNulls } from './absent-claims.ts';
import { OTHER_TOKEN_REMEDY, OWN_AUDIENCE_REMEDY } from './jwt-remedies.ts';
import { type TokenRefusal, tokenRefusal } from './refusals.ts';

/** A value of the header `typ`; `'absent'` is a JWT without the header. */
export type JwtType = 'at+jwt' | 'JWT' | 'absent';

/**
 * The form of an issuer's JWT access tokens, for an issuer that does not follow RFC 9068. The defaults are those of RFC 9068.
 * docs/server.md has the values for Entra, Okta, Auth0, Keycloak and Cognito.
 */
export interface JwtForm {
  /**
   * The accepted values of the header `typ`. An ID token has `JWT` or no `typ` too, so with these values a token is also
   * refused if it has a claim of an ID token, or if its audience is its own client. Default: `['at+jwt']`.
   */
  readonly types?: readonly JwtType[] | undefined;
  /** The accepted values of `aud`, in place of the resource identifier. Default: the resource identifier. */
  readonly audience?: string | readonly string[] | undefined;
  /**
   * Accepts tokens without `aud` that were issued to one of these clients and whose `token_use` is `access`, as Amazon Cognito
   * issues them. Nothing then restricts a token to this server, so require scopes that only this server uses. Default: a token
   * without `aud` is refused.
   */
  readonly withoutAudience?: { readonly clientIds: readonly string[] } | undefined;
  /** The names of claims that differ from RFC 9068. */
  readonly claims?:
    | {
        /**
         * The claims with scopes, each a text with spaces or a list: `['scp', 'roles']`. A token has the scopes of all of them.
         * Default: `scope`, which must be a text.
         */
        readonly scope?: readonly string[] | undefined;
        /** The claims with the client id, the first that is present: `['azp', 'appid']`. Default: `client_id`. */
        readonly clientId?: readonly string[] | undefined;
      }
    | undefined;
}

/** A JwtForm with its defaults. */
export interface CheckedJwtForm {
  readonly types: readonly JwtType[];
  readonly audiences: readonly string[];
  readonly clientsWithoutAudience: readonly string[];
  readonly scopeClaims: readonly string[] | undefined;
  readonly clientClaims: readonly string[] | undefined;
}

const TYPES: readonly string[] = ['at+jwt', 'JWT', 'absent'] satisfies JwtType[];

/** Throws a TypeError that begins with `where` for an invalid form. */
export function checkedJwtForm(where: string, form: JwtForm, resource: string): CheckedJwtForm {
  const { types = ['at+jwt'], audience = resource, withoutAudience, claims } = form;
  const audiences = typeof audience === 'string' ? [audience] : audience;
  checkList(where, 'jwt.types', types);
  const unknown = types.find((type) => !TYPES.includes(type));
  if (unknown !== undefined)
    throw new TypeError(`${where}: jwt.types contains ${unknown}, and not only ${TYPES.join(', ')}`);
  checkNames(where, 'jwt.audience', audiences);
  if (withoutAudience !== undefined) checkNames(where, 'jwt.withoutAudience.clientIds', withoutAudience.clientIds);
  checkNames(where, 'jwt.claims.scope', claims?.scope, true);
  checkNames(where, 'jwt.claims.clientId', claims?.clientId, true);
  return {
    types,
    audiences,
    clientsWithoutAudience: withoutAudience?.clientIds ?? [],
    scopeClaims: claims?.scope,
    clientClaims: claims?.clientId,
  };
}

/** An empty text must be refused: a claim can be empty, and an unset environment variable must not match it. */
function checkNames(where: string, name: string, list: unknown, isOptional = false): void {
  if (isOptional && list === undefined) return;
  checkList(where, name, list ?? null);
  if (Array.isArray(list) && list.includes('')) throw new TypeError(`${where}: ${name} contains an empty text`);
}

/** The JwtType of a header; undefined if it has another `typ`. */
export function jwtTypeOf(typ: string | undefined): JwtType | undefined {
  if (typ === undefined) return 'absent';
  const type = mediaType(typ);
  return type === 'at+jwt' ? 'at+jwt' : type === 'jwt' ? 'JWT' : undefined;
}

/** Claims that only an ID token has (OpenID Connect Core sections 2 and 3.3.2.11). */
const ONLY_IN_ID_TOKENS = ['nonce', 'at_hash', 'c_hash', 's_hash'] as const;

/**
 * Returns the claims under the names of RFC 9068, or the reason to refuse the token. `typ` is the type in the header: only the
 * claims of a JWT that is not marked as an access token can show that it is an ID token.
 */
export function standardClaims(
  signed: unknown,
  typ: JwtType,
  form: CheckedJwtForm,
  resource: string,
): { readonly claims: unknown } | TokenRefusal {
  const claims = withoutNulls(signed);
  if (!isJsonObject(claims)) return { claims };
  const clientId = form.clientClaims === undefined ? claims['client_id'] : firstOf(claims, form.clientClaims);
  const scope = form.scopeClaims === undefined ? claims['scope'] : scopesOf(claims, form.scopeClaims);
  if (scope === MALFORMED) return tokenRefusal('missing_claim', { refused: 'A claim with scopes is malformed' });
  if (typ !== 'at+jwt') {
    const fault = otherToken(claims, clientId);
    if (fault !== undefined) return tokenRefusal('wrong_type', fault);
  }
  const aud = claims['aud'] ?? impliedAudience(claims, clientId, form, resource);
  return { claims: { ...claims, client_id: clientId, scope, aud } };
}

function firstOf(claims: JsonObject, names: readonly string[]): unknown {
  const name = names.find((each) => Object.hasOwn(claims, each));
  return name === undefined ? undefined : claims[name];
}

const MALFORMED = Symbol('malformed');

/** The scopes of all claims, separated by spaces; undefined if no claim is present. */
function scopesOf(claims: JsonObject, names: readonly string[]): string | undefined | typeof MALFORMED {
  const present = names.filter((name) => Object.hasOwn(claims, name));
  if (present.length === 0) return undefined;
  const scopes: string[] = [];
  for (const name of present) {
    const list = stringList(claims[name]);
    // In a list, an entry with a space would become two scopes.
    if (list === undefined || (Array.isArray(claims[name]) && list.some((each) => /\s/u.test(each)))) return MALFORMED;
    scopes.push(...list);
  }
  return scopes.join(' ');
}

/** What a JWT is, and what to do, if its claims show that it is not an access token. */
function otherToken(
  claims: JsonObject,
  clientId: unknown,
): { readonly detail: string; readonly remedy: string } | undefined {
  const other = (detail: string, remedy = OTHER_TOKEN_REMEDY) => ({ detail, remedy });
  const { token_use: use, typ, aud, jti } = claims;
  // Keycloak: Bearer or DPoP in access tokens, ID in ID tokens, Refresh in refresh tokens.
  if (typ !== undefined && !isAccessTokenType(typ)) return other('a token whose claim typ is not Bearer');
  // Before version 24, Keycloak copied the nonce of a sign-in into the access token too. Its claim typ tells them apart.
  const idTokenClaim = ONLY_IN_ID_TOKENS.find(
    (name) => Object.hasOwn(claims, name) && (name !== 'nonce' || typ === undefined),
  );
  if (idTokenClaim !== undefined) return other(`an ID token: it has ${idTokenClaim}`);
  // Amazon Cognito.
  if (use !== undefined && use !== 'access') return other('a token whose token_use is not access');
  // Okta.
  if (typeof jti === 'string' && jti.startsWith('ID.')) return other('an ID token: its jti begins with ID.');
  const audiences = stringList(aud) ?? [];
  // OpenID Connect Core section 2: the audience of an ID token is its client.
  if (audiences.length > 0 && audiences.every((each) => each === clientId)) {
    return other('an ID token: its audience is its client', OWN_AUDIENCE_REMEDY);
  }
  return undefined;
}

function isAccessTokenType(typ: unknown): boolean {
  return typeof typ === 'string' && ['bearer', 'dpop', 'at+jwt'].includes(typ.toLowerCase());
}

/** The audience of a token without `aud` that `withoutAudience` accepts. */
function impliedAudience(
  claims: JsonObject,
  clientId: unknown,
  { clientsWithoutAudience, audiences }: CheckedJwtForm,
  resource: string,
): string | undefined {
  const isAccepted = clientsWithoutAudience.some((each) => each === clientId);
  return isAccepted && stringField(claims, 'token_use') === 'access' ? (audiences[0] ?? resource) : undefined;
}
