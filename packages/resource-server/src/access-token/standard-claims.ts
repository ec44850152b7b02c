import { isJsonObject, type JsonObject, stringField, stringList } from '@credence/protocol';
import { withoutNulls } from './absent-claims.ts';
import type { CheckedJwtForm, JwtType } from './jwt-form.ts';
import { OTHER_TOKEN_REMEDY, OWN_AUDIENCE_REMEDY } from './jwt-remedies.ts';
import { type TokenRefusal, tokenRefusal } from './refusals.ts';

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
