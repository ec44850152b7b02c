import type { CryptoKey, JSONWebKeySet } from 'jose';
import { type LruCache, lruCache } from '../cache/lru-cache.ts';
import type { KeyHeader } from '../jose/protected-header.ts';
import { failureOf } from '../net/peer-failure.ts';
import { checkConfiguredUrl } from '../net/configured-url.ts';
import { defaultFetch, type FetchLike } from '../net/fetch-like.ts';
import { LocalKeySet } from './local-key-set.ts';
import { RemoteKeySet } from './remote-key-set.ts';

/**
 * The maximum number of key sets that are cached for one fetch function. Only configured issuers get a key set, so no
 * attacker can reach this limit. The limit bounds memory if a program mistakenly passes a new issuer or URL with each call.
 */
const MAX_KEY_SETS = 1000;

/** Where the keys of an issuer come from: `jwks`, else `jwksUri`, else the `jwks_uri` in the issuer's metadata. */
export interface KeySource {
  /** The issuer identifier. Its metadata is fetched if neither `jwks` nor `jwksUri` is set. */
  readonly issuer: string;
  /** The key set itself: nothing is fetched. */
  readonly jwks?: JSONWebKeySet | undefined;
  /** The URL of the key set. */
  readonly jwksUri?: string | undefined;
  /** Sends the requests. Default: the global fetch. */
  readonly fetch?: FetchLike | undefined;
}

/** The cached key sets. Issuers with the same `jwksUri` share a key set. */
interface RemoteKeySets {
  readonly byUri: LruCache<RemoteKeySet>;
  /** The key sets of issuers that are configured without a `jwksUri`. */
  readonly byIssuer: LruCache<RemoteKeySet>;
}

// The key is the issuer or URL and not the options object, so that options written inline at each call share one cache.
const remotes = new WeakMap<FetchLike, RemoteKeySets>();
const locals = new WeakMap<JSONWebKeySet, LocalKeySet>();

/** Throws a TypeError that begins with `where` for a URL that may not be requested or an invalid `jwks`. */
export function checkKeySource(where: string, { issuer, jwks, jwksUri }: KeySource): void {
  if (jwks === undefined) {
    checkConfiguredUrl(where, jwksUri ?? issuer);
    return;
  }
  try {
    localKeySet(jwks);
  } catch (error) {
    throw new TypeError(`${where}.jwks: ${failureOf(error)}`, { cause: error });
  }
}

/**
 * The issuer's keys that can verify a signature with this header. Returns a promise only if they are not cached. `now` is
 * in epoch milliseconds. Throws KeysUnavailableError.
 */
export function issuerKeys(source: KeySource, header: KeyHeader, now: number): CryptoKey[] | Promise<CryptoKey[]> {
  if (source.jwks !== undefined) {
    const keySet = localKeySet(source.jwks);
    return keySet.known(header) ?? keySet.keysFor(header);
  }
  const keySet = remoteKeySet(source);
  return keySet.known(header, now) ?? keySet.keysFor(header, now);
}

function localKeySet(jwks: JSONWebKeySet): LocalKeySet {
  let keySet = locals.get(jwks);
  if (keySet === undefined) {
    keySet = new LocalKeySet(jwks);
    locals.set(jwks, keySet);
  }
  return keySet;
}

function remoteKeySet({ issuer, jwksUri, fetch = defaultFetch }: KeySource): RemoteKeySet {
  let sets = remotes.get(fetch);
  if (sets === undefined) {
    sets = { byUri: lruCache<RemoteKeySet>(MAX_KEY_SETS), byIssuer: lruCache<RemoteKeySet>(MAX_KEY_SETS) };
    remotes.set(fetch, sets);
  }
  const [cache, key] = jwksUri === undefined ? [sets.byIssuer, issuer] : [sets.byUri, jwksUri];
  const cached = cache.get(key);
  if (cached !== undefined) return cached;
  const set = new RemoteKeySet({ issuer, jwksUri, fetch });
  cache.set(key, set);
  return set;
}
