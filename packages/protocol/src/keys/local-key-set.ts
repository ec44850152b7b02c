import { type CryptoKey, createLocalJWKSet, errors, type JSONWebKeySet, type JWK } from 'jose';
import { z } from 'zod';
import { type LruCache, lruCache } from '../cache/lru-cache.ts';
import type { KeyHeader } from '../jose/protected-header.ts';
import { publicJwkFault } from '../jose/public-jwk.ts';
import { PeerFailure } from '../net/peer-failure.ts';

const MAX_KEYS = 100;
/** How many keys are tried for a header without `kid`. */
const MAX_CANDIDATES = 8;
/** How many searches are cached: each key under each algorithm that it fits, which for an RSA key are six. */
const MAX_FOUND = 1000;

const jwksSchema = z.object({ keys: z.array(z.looseObject({ kty: z.string() })).max(MAX_KEYS) });

/** A JWKS document. Finds the keys that can verify a signature, by its JWS header. */
export class LocalKeySet {
  readonly #select: ReturnType<typeof createLocalJWKSet>;
  /** A cache by `alg` and `kid`. Only keys that were found are cached. */
  readonly #found: LruCache<CryptoKey[]> = lruCache<CryptoKey[]>(MAX_FOUND);

  /** Throws PeerFailure if the document is not a key set. Ignores keys that `publicJwkFault` refuses, such as private keys. */
  constructor(document: unknown) {
    this.#select = createLocalJWKSet({ keys: publicKeys(document) } satisfies JSONWebKeySet);
  }

  /** The cached key for this `kid` and `alg`, if an earlier search found it. */
  known(header: KeyHeader): CryptoKey[] | undefined {
    const name = cacheName(header);
    return name === undefined ? undefined : this.#found.get(name);
  }

  /**
   * The keys that can verify a signature with this header. Empty if no key matches, if the key that matches is invalid, or if
   * `kid` or `alg` of the header is not a string.
   */
  async keysFor(header: KeyHeader): Promise<CryptoKey[]> {
    const name = cacheName(header);
    if (name === undefined) return [];
    try {
      const keys = [await this.#select({ alg: header.alg, ...(header.kid !== undefined && { kid: header.kid }) })];
      this.#found.set(name, keys);
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

/**
 * The name of a header's key in the cache; undefined if `kid` or `alg` is not a string, because the library ignores such a
 * `kid` and matches every key.
 */
function cacheName({ kid, alg }: { readonly kid?: unknown; readonly alg?: unknown }): string | undefined {
  if (typeof alg !== 'string' || (kid !== undefined && typeof kid !== 'string')) return undefined;
  // No algorithm has a space in its name.
  return kid === undefined ? alg : `${alg} ${kid}`;
}

function publicKeys(document: unknown): JWK[] {
  const parsed = jwksSchema.safeParse(document);
  if (!parsed.success) throw new PeerFailure('the document is not a key set');
  const keys: JWK[] = [];
  for (const jwk of parsed.data.keys as JWK[]) {
    if (publicJwkFault(jwk) !== undefined) continue;
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
