import {
  type CryptoKey,
  createLocalJWKSet,
  errors,
  type JSONWebKeySet,
  type JWK,
  type JWSHeaderParameters,
} from 'jose';
import { z } from 'zod';

const MAX_KEYS = 100;
/** How many keys are tried for a header without `kid`. */
const MAX_CANDIDATES = 8;

const jwksSchema = z.object({ keys: z.array(z.looseObject({ kty: z.string() })).max(MAX_KEYS) });

/** Picks the keys that can have made a signature, by its header. */
export type KeyPicker = (header: JWSHeaderParameters) => Promise<CryptoKey[]>;

/**
 * A published key set made into a picker. Throws where it is not a key set; keys that are not public signing keys are
 * left out.
 */
export function localKeySet(document: unknown): KeyPicker {
  const keys: JWK[] = [];
  for (const jwk of jwksSchema.parse(document).keys as JWK[]) {
    if (jwk.kty === 'oct' || jwk.d !== undefined || jwk.priv !== undefined) continue;
    // RFC 9864 renamed EdDSA over Ed25519: one key serves both spellings, whichever of them its JWK declares.
    if (jwk.kty === 'OKP' && jwk.crv === 'Ed25519') {
      const { alg: _either, ...rest } = jwk;
      keys.push(rest);
    } else {
      keys.push(jwk);
    }
  }
  const select = createLocalJWKSet({ keys } satisfies JSONWebKeySet);
  // Every header that a key fits by name is the same question; only found keys are kept, so strangers cannot fill it.
  const found = new Map<string, [CryptoKey]>();
  return async (header) => {
    const question = `${header.alg} ${header.kid}`;
    const known = found.get(question);
    if (known !== undefined) return known;
    try {
      const keys: [CryptoKey] = [await select(header)];
      found.set(question, keys);
      return keys;
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey) return [];
      if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
      const candidates: CryptoKey[] = [];
      for await (const key of error) {
        candidates.push(key);
        if (candidates.length === MAX_CANDIDATES) break;
      }
      return candidates;
    }
  };
}
