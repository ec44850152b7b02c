import type { CryptoKey, JSONWebKeySet, JWSHeaderParameters } from 'jose';
import { defaultFetch, type FetchLike } from './fetch-json.ts';
import { type KeyPicker, localKeySet } from './local-key-set.ts';
import { RemoteKeySet } from './remote-key-set.ts';

/**
 * Key sets held at once for one fetch function. Only configured issuers get here, so this bounds mistakes, not
 * attacks.
 */
const MAX_KEY_SETS = 1000;

export interface KeySource {
  readonly issuer: string;
  readonly jwks?: JSONWebKeySet | undefined;
  readonly jwksUri?: string | undefined;
  readonly fetch?: FetchLike | undefined;
}

// Keyed by value rather than by the options object, so that options written inline at each call still share one cache.
const remotes = new WeakMap<FetchLike, Map<string, RemoteKeySet>>();
const locals = new WeakMap<JSONWebKeySet, KeyPicker>();

/** The issuer's keys that can have made the signature. Throws KeysUnavailableError. */
export async function issuerKeys(source: KeySource, header: JWSHeaderParameters, now: number): Promise<CryptoKey[]> {
  if (source.jwks !== undefined) return localPicker(source.jwks)(header);
  return remoteKeySet(source).keysFor(header, now);
}

function localPicker(jwks: JSONWebKeySet): KeyPicker {
  let picker = locals.get(jwks);
  if (picker === undefined) {
    picker = localKeySet(jwks);
    locals.set(jwks, picker);
  }
  return picker;
}

function remoteKeySet(source: KeySource): RemoteKeySet {
  const fetchFunction = source.fetch ?? defaultFetch;
  let sets = remotes.get(fetchFunction);
  if (sets === undefined) {
    sets = new Map();
    remotes.set(fetchFunction, sets);
  }
  const key = `${source.issuer}\n${source.jwksUri ?? ''}`;
  const kept = sets.get(key);
  // most trust one issuer, and then there is no order to keep
  if (kept !== undefined && sets.size === 1) return kept;
  const set = kept ?? new RemoteKeySet({ issuer: source.issuer, jwksUri: source.jwksUri, fetch: fetchFunction });
  sets.delete(key);
  sets.set(key, set);
  const oldest = sets.keys().next();
  if (sets.size > MAX_KEY_SETS && oldest.done !== true) sets.delete(oldest.value);
  return set;
}
