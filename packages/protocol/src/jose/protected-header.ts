import { type LruCache, lruCache } from '../cache/lru-cache.ts';
import { isJsonObject, type JsonObject } from '../text/json.ts';
import { parseStrictObject, StrictJsonError } from '../text/strict-json.ts';

/**
 * The protected header of a JWS (RFC 7515 section 4.1). Each member here that is present has the type that the RFC requires
 * and a bounded length, so that it can be a key of a map and a part of a message.
 */
export interface ProtectedHeader {
  /** The signing algorithm (RFC 7515 section 4.1.1). */
  readonly alg: string;
  /** The type of the token (RFC 7515 section 4.1.9). */
  readonly typ?: string;
  /** The id of the key (RFC 7515 section 4.1.4). */
  readonly kid?: string;
  /** The public key in the header of a DPoP proof. Not checked further: see `publicJwkFault`. */
  readonly jwk?: JsonObject;
}

/** The members of a header by which a key set finds the key. */
export type KeyHeader = Pick<ProtectedHeader, 'alg' | 'kid'>;

/** A protected header cannot be used. The message names the member and quotes nothing of the header. */
export class JoseHeaderError extends Error {
  /** Always `JoseHeaderError`. */
  override readonly name = 'JoseHeaderError';
  /** The member at fault; undefined if the header cannot be parsed. */
  readonly member: string | undefined;

  constructor(message: string, member?: string) {
    super(message);
    this.member = member;
  }
}

/** The longest encoded header that is read, in characters. A chain of certificates (`x5c`) can take most of it. */
const MAX_HEADER_LENGTH = 8192;

/** The largest length of each member that must be a string. */
const STRINGS: ReadonlyMap<string, number> = new Map([
  ['alg', 32],
  ['typ', 128],
  ['cty', 128],
  ['kid', 1024],
  ['jku', 2048],
  ['x5u', 2048],
  ['x5t', 128],
  ['x5t#S256', 128],
]);

const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * A cache by the encoded header: an issuer sends the same header until it rotates its keys, and a client the same one with
 * each DPoP proof. Anybody can fill the cache with made-up headers. Parsing a header again takes a few microseconds.
 */
const headers: LruCache<ProtectedHeader> = lruCache<ProtectedHeader>(200);
const MAX_CACHED_LENGTH = 512;

/**
 * Reads the protected header of a JWS in compact serialization. No library gets a header before this function has read it.
 * Throws JoseHeaderError for a header that is not a JSON object, that names a member twice, that has a critical extension
 * (RFC 7515 section 4.1.11), or that has a member of another type or of an excessive length.
 */
export function protectedHeader(jws: string): ProtectedHeader {
  return protectedHeaderOf(jws.slice(0, Math.max(jws.indexOf('.'), 0)));
}

/** Does the same as {@link protectedHeader} with the first part of a JWS. */
export function protectedHeaderOf(part: string): ProtectedHeader {
  if (part.length > MAX_HEADER_LENGTH) throw new JoseHeaderError('too large');
  const cached = headers.get(part);
  if (cached !== undefined) return cached;
  const header = checkedHeader(parsedHeader(part));
  if (part.length <= MAX_CACHED_LENGTH) headers.set(part, header);
  return header;
}

function parsedHeader(part: string): JsonObject {
  try {
    return parseStrictObject(decoder.decode(Buffer.from(part, 'base64url')));
  } catch (error) {
    // The messages of other errors can quote the header.
    throw new JoseHeaderError(error instanceof StrictJsonError ? error.message : 'cannot be read');
  }
}

function checkedHeader(header: JsonObject): ProtectedHeader {
  for (const member of ['crit', 'b64']) {
    if (Object.hasOwn(header, member)) throw new JoseHeaderError('has a critical extension', member);
  }
  for (const [member, maxLength] of STRINGS) {
    const value = header[member];
    if (value === undefined) continue;
    if (typeof value !== 'string') throw new JoseHeaderError(`${member} is not a string`, member);
    if (value.length > maxLength) throw new JoseHeaderError(`${member} is too long`, member);
  }
  const { alg, jwk } = header;
  if (typeof alg !== 'string') throw new JoseHeaderError('alg is missing', 'alg');
  if (jwk !== undefined && !isJsonObject(jwk)) throw new JoseHeaderError('jwk is not an object', 'jwk');
  const { typ, kid } = header as { readonly typ?: string; readonly kid?: string };
  return Object.freeze({
    alg,
    ...(typ !== undefined && { typ }),
    ...(kid !== undefined && { kid }),
    ...(jwk !== undefined && { jwk }),
  });
}
