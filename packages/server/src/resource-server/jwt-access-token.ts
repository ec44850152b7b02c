import { compactVerify, decodeProtectedHeader, errors, type JWSHeaderParameters } from 'jose';
import { allowsAlgorithm, DEFAULT_ALGORITHMS } from '../id-jag/header.ts';
import { issuerKeys, type KeySource } from '../keys/issuer-keys.ts';
import { KeysUnavailableError } from '../keys/remote-key-set.ts';
import { TokenVerificationUnavailableError } from './errors.ts';

const MAX_TOKEN_LENGTH = 16 * 1024;

/** The claims of a JWT access token whose type and signature are right (RFC 9068 section 4), or why it is refused. */
export async function jwtTokenClaims(
  token: string,
  source: KeySource & { algorithms?: readonly string[] | undefined },
  now: number,
): Promise<{ claims: unknown } | { refused: string }> {
  const header = readHeader(token);
  if (header === undefined) return { refused: 'The token is not a JWT access token' };
  if (
    !allowsAlgorithm(source.algorithms ?? DEFAULT_ALGORITHMS, header.alg) ||
    !DEFAULT_ALGORITHMS.includes(header.alg)
  ) {
    return { refused: 'The signature algorithm is not allowed' };
  }
  try {
    for (const key of await issuerKeys(source, header, now)) {
      try {
        const { payload } = await compactVerify(token, key, { algorithms: [header.alg] });
        return { claims: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload)) };
      } catch (error) {
        if (error instanceof errors.JWSSignatureVerificationFailed) continue;
        return { refused: 'The token is malformed' };
      }
    }
  } catch (error) {
    if (error instanceof KeysUnavailableError) {
      throw new TokenVerificationUnavailableError("the authorization server's keys cannot be fetched at the moment");
    }
    if (!(error instanceof errors.JOSEError)) throw error;
  }
  return { refused: 'The signature is not valid' };
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
