import {
  allowsAlgorithm,
  isSigningAlgorithm,
  issuerKeys,
  type KeySource,
  KeysUnavailableError,
  mediaType,
  verifyWithKeys,
} from '@credence/protocol';
import { compactVerify, type CompactVerifyResult, type CryptoKey, decodeProtectedHeader, errors } from 'jose';
import { TokenVerificationUnavailableError } from './errors.ts';
import { type TokenRefusal, tokenRefusal } from './refusals.ts';

const MAX_TOKEN_LENGTH = 16 * 1024;
const KEYS_REMEDY =
  "If the failure does not end: set issuer to the issuer in the authorization server's metadata, and jwt.jwksUri to the URL of its key set.";

/**
 * Verifies the type and the signature of a JWT access token (RFC 9068 section 4). Returns its claims, or the reason to
 * refuse it. `now` is in epoch milliseconds. Throws TokenVerificationUnavailableError.
 */
export async function jwtTokenClaims(
  token: string,
  source: KeySource & { algorithms?: readonly string[] | undefined },
  now: number,
): Promise<{ claims: unknown } | TokenRefusal> {
  const header = readHeader(token);
  if (header === undefined) return tokenRefusal('malformed');
  const { alg, typ, kid } = header;
  if (mediaType(typ) !== 'at+jwt') return tokenRefusal('wrong_type', typ === undefined ? {} : { detail: typ });
  if (!isSigningAlgorithm(alg) || !allowsAlgorithm(source.algorithms, alg)) {
    return tokenRefusal('algorithm_not_allowed', { detail: alg });
  }
  let keys: CryptoKey[];
  try {
    keys = await issuerKeys(source, header, now);
  } catch (error) {
    if (!(error instanceof KeysUnavailableError)) throw error;
    throw new TokenVerificationUnavailableError(error.message, KEYS_REMEDY);
  }
  if (keys.length === 0) return tokenRefusal('unknown_key', kid === undefined ? {} : { detail: kid });
  let verified: CompactVerifyResult | undefined;
  try {
    verified = await verifyWithKeys(keys, (key) => compactVerify(token, key, { algorithms: [alg] }));
  } catch (error) {
    if (error instanceof errors.JWSInvalid) return tokenRefusal('malformed');
    throw error;
  }
  if (verified === undefined) return tokenRefusal('bad_signature');
  try {
    return { claims: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(verified.payload)) };
  } catch {
    return tokenRefusal('malformed');
  }
}

function readHeader(token: string): (ReturnType<typeof decodeProtectedHeader> & { alg: string }) | undefined {
  if (token.length > MAX_TOKEN_LENGTH) return undefined;
  try {
    const header = decodeProtectedHeader(token);
    const { alg } = header;
    // The key set would ignore a kid that is not a string and try every key.
    const isWellFormed = isOptionalString(header.typ) && isOptionalString(header.kid);
    return isWellFormed && typeof alg === 'string' ? { ...header, alg } : undefined;
  } catch {
    return undefined;
  }
}

/** RFC 7515 sections 4.1.4 and 4.1.9. The library's types say so of every header, but it does not check these members. */
function isOptionalString(value: unknown): boolean {
  return value === undefined || typeof value === 'string';
}
