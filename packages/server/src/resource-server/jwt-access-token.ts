import { compactVerify, type CryptoKey, decodeProtectedHeader, errors, type JWSHeaderParameters } from 'jose';
import { allowsAlgorithm, DEFAULT_ALGORITHMS } from '../id-jag/header.ts';
import { issuerKeys, type KeySource } from '../keys/issuer-keys.ts';
import { KeysUnavailableError } from '../keys/remote-key-set.ts';
import { TokenVerificationUnavailableError } from './errors.ts';
import { type TokenRefusal, tokenRefusal } from './refusals.ts';

const MAX_TOKEN_LENGTH = 16 * 1024;
const KEYS_REMEDY =
  "If it stays so: issuer must be what the authorization server's metadata says, and jwt.jwksUri where its keys are.";

/** The claims of a JWT access token whose type and signature are right (RFC 9068 section 4), or why it is refused. */
export async function jwtTokenClaims(
  token: string,
  source: KeySource & { algorithms?: readonly string[] | undefined },
  now: number,
): Promise<{ claims: unknown } | TokenRefusal> {
  const header = readHeader(token);
  if (header === undefined) return tokenRefusal('not_an_access_token');
  if (
    !allowsAlgorithm(source.algorithms ?? DEFAULT_ALGORITHMS, header.alg) ||
    !DEFAULT_ALGORITHMS.includes(header.alg)
  ) {
    return tokenRefusal('algorithm_not_allowed', { detail: header.alg });
  }
  let keys: CryptoKey[];
  try {
    keys = await issuerKeys(source, header, now);
  } catch (error) {
    if (!(error instanceof KeysUnavailableError)) throw error;
    throw new TokenVerificationUnavailableError(error.message, KEYS_REMEDY);
  }
  for (const key of keys) {
    let payload: Uint8Array;
    try {
      ({ payload } = await compactVerify(token, key, { algorithms: [header.alg] }));
    } catch (error) {
      if (error instanceof errors.JWSInvalid) return tokenRefusal('malformed');
      // Signed by another of them, or the key does not fit: too short, of another curve, not for verifying.
      if (error instanceof errors.JOSEError || error instanceof TypeError) continue;
      throw error;
    }
    try {
      return { claims: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload)) };
    } catch {
      return tokenRefusal('malformed');
    }
  }
  return tokenRefusal('bad_signature');
}

function readHeader(token: string): (JWSHeaderParameters & { alg: string }) | undefined {
  if (token.length > MAX_TOKEN_LENGTH) return undefined;
  try {
    const header = decodeProtectedHeader(token);
    const { alg, typ } = header;
    const isAccessToken = typeof typ === 'string' && /^(?:application\/)?at\+jwt$/iu.test(typ);
    return isAccessToken && typeof alg === 'string' && !('crit' in header) ? { ...header, alg } : undefined;
  } catch {
    return undefined;
  }
}
