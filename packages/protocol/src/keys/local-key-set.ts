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

/** A published key set, searched by the header of what a key of it should have signed. */
export class LocalKeySet {
  readonly #select: ReturnType<typeof createLocalJWKSet>;
  /** By `kid`, then by `alg`. Only found keys are kept, so strangers cannot fill it. */
  readonly #found = new Map<string | undefined, Map<string | undefined, CryptoKey[]>>();

  /** Throws PeerFailure where the document is not a key set; keys that are not public signing keys are left out. */
  constructor(document: unknown) {
    this.#select = createLocalJWKSet({ keys: publicKeys(document) } satisfies JSONWebKeySet);
  }

  /** The key that an earlier search with the same `kid` and `alg` found. */
  known({ kid, alg }: JWSHeaderParameters): CryptoKey[] | undefined {
    return this.#found.get(kid)?.get(alg);
  }

  /** The keys that can have made a signature; empty where none can, or the one that could is not sound. */
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
    // RFC 9864 renamed EdDSA over Ed25519: one key serves both spellings, whichever of them its JWK declares.
    if (jwk.kty === 'OKP' && jwk.crv === 'Ed25519') {
      const { alg: _either, ...rest } = jwk;
      keys.push(rest);
    } else {
      keys.push(jwk);
    }
  }
  return keys;
}
