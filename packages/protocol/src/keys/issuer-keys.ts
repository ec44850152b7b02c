import type { CryptoKey, JSONWebKeySet, JWSHeaderParameters } from 'jose';
import { type LruCache, lruCache } from '../cache/lru-cache.ts';
import { failureOf } from '../net/peer-failure.ts';
import { checkConfiguredUrl } from '../net/configured-url.ts';
import { defaultFetch, type FetchLike } from '../net/fetch-like.ts';
import { LocalKeySet } from './local-key-set.ts';
import { RemoteKeySet } from './remote-key-set.ts';

/**
 * Key sets held at once for one fetch function. Only configured issuers get here, so this bounds mistakes, not
 * attacks.
 */
const MAX_KEY_SETS = 1000;

/** Where the keys of an issuer come from: `jwks`, else `jwksUri`, else what the issuer's metadata says. */
export interface KeySource {
  /** The issuer identifier, whose metadata is asked where neither `jwks` nor `jwksUri` is given. */
  readonly issuer: string;
  /** The key set itself: nothing is fetched. */
  readonly jwks?: JSONWebKeySet | undefined;
  /** The URL of the key set. */
  readonly jwksUri?: string | undefined;
  /** Sends the requests. Default: the global fetch. */
  readonly fetch?: FetchLike | undefined;
}

/** Issuers that publish under one `jwksUri` share a key set. */
interface RemoteKeySets {
  readonly byUri: LruCache<RemoteKeySet>;
  /** Of issuers whose metadata says where the key set is. */
  readonly byIssuer: LruCache<RemoteKeySet>;
}

// Keyed by value rather than by the options object, so that options written inline at each call still share one cache.
const remotes = new WeakMap<FetchLike, RemoteKeySets>();
const locals = new WeakMap<JSONWebKeySet, LocalKeySet>();

/** Throws a TypeError that begins with `where`, for keys that cannot be had as it is written down. */
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
 * The issuer's keys that can have made the signature, at once where they are at hand. `now` is in milliseconds. Throws
 * KeysUnavailableError.
 */
export function issuerKeys(
  source: KeySource,
  header: JWSHeaderParameters,
  now: number,
): CryptoKey[] | Promise<CryptoKey[]> {
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
  const [held, name] = jwksUri === undefined ? [sets.byIssuer, issuer] : [sets.byUri, jwksUri];
  const kept = held.get(name);
  if (kept !== undefined) return kept;
  const set = new RemoteKeySet({ issuer, jwksUri, fetch });
  held.set(name, set);
  return set;
}
