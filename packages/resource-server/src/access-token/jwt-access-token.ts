import {
  allowsAlgorithm,
  isSigningAlgorithm,
  issuerKeys,
  JoseHeaderError,
  type KeySource,
  KeysUnavailableError,
  type ProtectedHeader,
  protectedHeader,
  verifyWithKeys,
} from '@credence/protocol';
import { compactVerify, type CompactVerifyResult, type CryptoKey, errors } from 'jose';
import { TokenVerificationUnavailableError } from './errors.ts';
import { type JwtType, jwtTypeOf } from './jwt-form.ts';
import { wrongTypeRemedy } from './jwt-remedies.ts';
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
  source: KeySource & { algorithms?: readonly string[] | undefined; types: readonly JwtType[] },
  now: number,
): Promise<{ claims: unknown; type: JwtType } | TokenRefusal> {
  const header = readHeader(token);
  if ('refused' in header) return header;
  const { alg, typ, kid } = header;
  const type = jwtTypeOf(typ);
  if (type === undefined || !source.types.includes(type))
    return tokenRefusal('wrong_type', {
      ...(typ !== undefined && { detail: typ }),
      remedy: wrongTypeRemedy(type, typ, source.types),
    });
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
    return { claims: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(verified.payload)), type };
  } catch {
    return tokenRefusal('malformed');
  }
}

function readHeader(token: string): ProtectedHeader | TokenRefusal {
  if (token.length > MAX_TOKEN_LENGTH) return tokenRefusal('malformed');
  try {
    return protectedHeader(token);
  } catch (error) {
    if (error instanceof JoseHeaderError) return tokenRefusal('malformed');
    throw error;
  }
}
