import {
  type CryptoKey,
  createLocalJWKSet,
  errors,
  type JSONWebKeySet,
  type JWK,
  type JWSHeaderParameters,
} from 'jose';
import { z } from 'zod';
import { PeerFailure } from '../net/peer-failure.ts';

const MAX_KEYS = 100;
/** How many keys are tried for a header without `kid`. */
const MAX_CANDIDATES = 8;

const jwksSchema = z.object({ keys: z.array(z.looseObject({ kty: z.string() })).max(MAX_KEYS) });

/** A JWKS document. Finds the keys that can verify a signature, by its JWS header. */
export class LocalKeySet {
  readonly #select: ReturnType<typeof createLocalJWKSet>;
  /** A cache by `kid`, then by `alg`. Only keys that were found are cached, so made-up headers cannot fill it. */
  readonly #found = new Map<string | undefined, Map<string | undefined, CryptoKey[]>>();

  /** Throws PeerFailure if the document is not a key set. Symmetric and private keys are ignored. */
  constructor(document: unknown) {
    this.#select = createLocalJWKSet({ keys: publicKeys(document) } satisfies JSONWebKeySet);
  }

  /** The cached key for this `kid` and `alg`, if an earlier search found it. */
  known({ kid, alg }: JWSHeaderParameters): CryptoKey[] | undefined {
    return this.#found.get(kid)?.get(alg);
  }

  /** The keys that can verify a signature with this header. Empty if no key matches, or if the key that matches is invalid. */
  async keysFor(header: JWSHeaderParameters): Promise<CryptoKey[]> {
    try {
      const keys = [await this.#select(header)];
      const sameKid = this.#found.get(header.kid) ?? new Map<string | undefined, CryptoKey[]>();
      this.#found.set(header.kid, sameKid.set(header.alg, keys));
      return keys;
    } catch (error) {
      if (!(error instanceof errors.JWKSMultipleMatchingKeys)) return [];
      const candidates: CryptoKey[] = [];
      for await (const key of error) {
        candidates.push(key);
        if (candidates.length === MAX_CANDIDATES) break;
      }
      return candidates;
    }
  }
}

function publicKeys(document: unknown): JWK[] {
  const parsed = jwksSchema.safeParse(document);
  if (!parsed.success) throw new PeerFailure('the document is not a key set');
  const keys: JWK[] = [];
  for (const jwk of parsed.data.keys as JWK[]) {
    if (jwk.kty === 'oct' || jwk.d !== undefined || jwk.priv !== undefined) continue;
    // RFC 9864 renamed EdDSA over Ed25519: without `alg`, the key verifies signatures under both names.
    if (jwk.kty === 'OKP' && jwk.crv === 'Ed25519') {
      const { alg: _either, ...rest } = jwk;
      keys.push(rest);
    } else {
      keys.push(jwk);
    }
  }
  return keys;
}
