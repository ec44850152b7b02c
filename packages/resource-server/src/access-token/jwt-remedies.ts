import { isJsonObject, type JsonObject, mediaType } from '@credence/protocol';
import type { CheckedJwtForm, JwtType } from './jwt-form.ts';

/** Claims that contain the client id in the access tokens of common authorization servers. */
const CLIENT_CLAIMS = ['client_id', 'azp', 'appid', 'cid'] as const;

/** Types of JWTs that are no access tokens, and what the client must do. */
const OTHER_TYPES: Readonly<Record<string, string>> = {
  'oauth-id-jag+jwt': 'This is an ID-JAG: the client must redeem it at the authorization server for an access token.',
  'dpop+jwt': 'This is a DPoP proof: it belongs in the header DPoP, and the access token in the header Authorization.',
  'logout+jwt': 'This is a logout token: the client must send an access token.',
  'token-introspection+jwt': 'This is a response of introspection: the client must send an access token.',
};

/**
 * What to change if the header of a token has a `typ` that is not accepted. `typ` is not verified yet, so the remedy contains none of
 * its text.
 */
export function wrongTypeRemedy(
  type: JwtType | undefined,
  typ: string | undefined,
  configured: readonly JwtType[],
): string {
  const accepted = `jwt.types is ${listOf(configured)}`;
  if (type === undefined) {
    const other = OTHER_TYPES[mediaType(typ) ?? ''];
    return `${accepted}. ${other ?? 'Tokens with this type are accepted with no value of jwt.types: configure the authorization server to issue the type at+jwt (RFC 9068), or use introspection.'}`;
  }
  const came = type === 'absent' ? 'has no type' : `has the type ${type}`;
  return `${accepted}, and this token ${came}. If it is an access token of the authorization server, set jwt.types to ${listOf([...configured, type])}; docs/server.md has the values for common authorization servers.`;
}

export const OTHER_TOKEN_REMEDY =
  'The client must send the access token that the authorization server issued to it. If this is the access token, configure the authorization server to issue it with the type at+jwt (RFC 9068), or use introspection.';

export const OWN_AUDIENCE_REMEDY =
  'The audience of an access token is an API, and not the client that requested it: register the MCP server and its client as two applications, and set jwt.audience to the identifier of the first.';

/** The form of each claim that is checked. */
const FORMS: Readonly<Record<string, string>> = {
  iss: 'a text',
  sub: 'a text that is not empty',
  aud: 'a text or a list of texts',
  exp: 'a number of seconds',
  nbf: 'a number of seconds',
  client_id: 'a text',
  scope: 'a text',
  act: 'a JSON object',
  authorization_details: 'a list of JSON objects, each with a type',
};

/**
 * What to change if a claim is absent or malformed. `claims` have the names of RFC 9068, `original` the names of the issuer. `form` is
 * undefined for introspection. Undefined if the usual remedy fits.
 */
export function claimRemedy(
  name: string,
  claims: unknown,
  original: unknown,
  form: CheckedJwtForm | undefined,
): string | undefined {
  if (!isJsonObject(claims) || !isJsonObject(original)) return undefined;
  const value = claims[name];
  if (form !== undefined) {
    if (name === 'client_id') return clientClaimRemedy(original, form);
    if (name === 'scope' && form.scopeClaims === undefined && Array.isArray(value)) return SCOPE_LIST_REMEDY;
    if (name === 'aud' && (value ?? undefined) === undefined) return noAudienceRemedy(form);
  }
  const expected = FORMS[name];
  if ((value ?? undefined) === undefined || expected === undefined) return undefined;
  return `Configure the authorization server to send ${name} as ${expected}.`;
}

/** The option that accepts the claim in which the token has the client id, if it has it in a claim that is known for that. */
function clientClaimRemedy(claims: JsonObject, { clientClaims = ['client_id'] }: CheckedJwtForm): string {
  const configured = `jwt.claims.clientId is ${listOf(clientClaims)}`;
  const found = CLIENT_CLAIMS.find((name) => typeof claims[name] === 'string' && !clientClaims.includes(name));
  return found === undefined
    ? `${configured}. Configure the authorization server to send the client id as a text in one of these claims, or set jwt.claims.clientId to the claim that has it.`
    : `${configured}, and this token has the client id in ${found}: set jwt.claims.clientId to ['${found}'].`;
}

const SCOPE_LIST_REMEDY =
  "The claim scope of this token is a list: set jwt.claims.scope to ['scope'], which accepts a text and a list.";

function noAudienceRemedy({ clientsWithoutAudience }: CheckedJwtForm): string {
  return clientsWithoutAudience.length === 0
    ? 'Configure the authorization server to send the audience. If it cannot (Amazon Cognito without resource binding), set jwt.withoutAudience.clientIds to the client ids that this server accepts.'
    : 'This token has no audience, and its client is not in jwt.withoutAudience.clientIds, or its token_use is not access. If this server accepts the client, add its id to the option.';
}

/** What to change if the audience of a token is another one. */
export function audienceRemedy({ audiences }: CheckedJwtForm, resource: string): string {
  const accepted = audiences.length === 1 && audiences[0] === resource ? 'the resource identifier' : listOf(audiences);
  return `jwt.audience is ${accepted}. If the audience that was found is the identifier of this MCP server, and of no other, at the authorization server, set jwt.audience to it. Otherwise the client must request this resource, and the authorization server must have it under the same identifier, exactly, character for character.`;
}

/** The values as they are written in the options. */
function listOf(values: readonly string[]): string {
  return `[${values.map((value) => `'${value}'`).join(', ')}]`;
}
