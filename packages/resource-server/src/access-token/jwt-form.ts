import { checkList, mediaType } from '@credence/protocol';

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
