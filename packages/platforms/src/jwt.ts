import { cleanText, isJsonObject, type JsonObject, parseJsonObject, stringList } from '@credence/protocol';
import { tokenUnavailable } from './errors.ts';

/** A JWS in compact form (RFC 7515 section 3.1). */
const COMPACT_JWS = /^[\w-]+\.([\w-]+)\.[\w-]+$/u;
const MAX_CHARACTERS = 64 * 1024;

/** What a platform gave as a token, and where it came from. */
export interface PresentedToken {
  readonly platform: string;
  /** Where the text comes from, as the subject of a sentence: `the file "/x"`. */
  readonly from: string;
  readonly remedy: string;
  /** The audience that was requested. Undefined if the platform does not let a program choose it. */
  readonly audience?: string | undefined;
}

/**
 * The JWT in `text`, without white space and byte order mark around it. Throws `credential_unavailable` if the text is empty or not a
 * complete JWT, or if the JWT is for another audience than the requested one: such a token must not be sent to the party that asked
 * for its own. Does not check the signature; the expiry is checked where the clock is known.
 */
export function jwtFrom(text: string, { platform, from, remedy, audience }: PresentedToken): string {
  const token = text.trim();
  if (token === '') throw tokenUnavailable(platform, `${from} is empty.`, remedy);
  const claims = claimsOf(token);
  if (claims === undefined) throw tokenUnavailable(platform, `${from} does not contain a JWT.`, remedy);
  const { aud } = claims;
  if (audience !== undefined && stringList(aud)?.includes(audience) !== true) {
    throw tokenUnavailable(
      platform,
      `the token is not for the requested audience ${JSON.stringify(cleanText(audience))}, so it is not sent.`,
      `Check that the platform may issue tokens for this audience, or set the audience: fromWorkloadToken(source, { audience }).`,
    );
  }
  return token;
}

function claimsOf(token: string): JsonObject | undefined {
  if (token.length > MAX_CHARACTERS) return undefined;
  const payload = COMPACT_JWS.exec(token)?.[1];
  return payload === undefined ? undefined : parseJsonObject(Buffer.from(payload, 'base64url').toString('utf8'));
}

/** The text in a JSON document at `field`: the name of a member, or the names on the way to it. Undefined if there is no such text. */
export function textAt(document: string, field: string | readonly string[]): string | undefined {
  let value: unknown = parseJsonObject(document.replace(/^\uFEFF/u, ''));
  for (const name of typeof field === 'string' ? [field] : field) {
    value = isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  }
  return typeof value === 'string' ? value : undefined;
}

/** The field, for a message. */
export function fieldName(field: string | readonly string[]): string {
  return JSON.stringify(cleanText(typeof field === 'string' ? field : field.join('.'), { max: 120 }));
}
