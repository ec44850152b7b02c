import type { CryptoKey, JWSHeaderParameters } from 'jose';
import { discoverUrl } from '../metadata/discover.ts';
import { failureOf } from '../net/peer-failure.ts';
import { checkConfiguredUrl } from '../net/configured-url.ts';
import { fetchJson } from '../net/fetch-json.ts';
import type { FetchLike, FetchUrl } from '../net/fetch-like.ts';
import { fetchNamedBy } from '../net/fetch-named.ts';
import { LocalKeySet } from './local-key-set.ts';

/** A key set is asked for again when it is older than this. */
const FRESH_MS = 10 * 60_000;
/** Nobody waits for its renewal where it was asked for within this time, whether or not an answer came. */
const RENEW_BEHIND_MS = 20 * 60_000;
/** A key set that cannot be renewed is still used until it is this old. */
const STALE_MS = 24 * 60 * 60_000;
/** After a failed renewal the peer is left alone for this long: longer where an older key set can serve meanwhile. */
const RETRY_STALE_MS = 10_000;
const RETRY_EMPTY_MS = 1000;
/** Renewals for the sake of unknown `kid`s: this many at once, and one more each interval. */
const REFRESH_BURST = 5;
const REFRESH_EVERY_MS = 10_000;

/** The keys that are needed cannot be had at the moment. The message says why: `key set: answered 404`. */
export class KeysUnavailableError extends Error {
  /** Always `KeysUnavailableError`. */
  override readonly name = 'KeysUnavailableError';
}

/**
 * The key set of one issuer, fetched when first needed, renewed in one flight, at most as often as the bounds above
 * allow, and still served while the issuer is away.
 */
export class RemoteKeySet {
  readonly #issuer: string;
  readonly #configuredUri: string | undefined;
  readonly #fetch: FetchLike;
  /** For the URL of the key set, where the issuer's metadata named it. */
  readonly #fetchKeySet: FetchUrl;
  #jwksUri: string | undefined;
  #keys: LocalKeySet | undefined;
  #fetchedAt = Number.NEGATIVE_INFINITY;
  /** Of the last try, where it failed. */
  #failure: { readonly at: number; readonly reason: string } | undefined;
  #flight: Promise<void> | undefined;
  #generation = 0;
  #refreshes = REFRESH_BURST;
  #refilledAt = Number.NEGATIVE_INFINITY;

  /** Throws a TypeError for a URL that may not be asked. */
  constructor(options: { issuer: string; jwksUri?: string | undefined; fetch: FetchLike }) {
    checkConfiguredUrl('RemoteKeySet', options.jwksUri ?? options.issuer);
    this.#issuer = options.issuer;
    this.#configuredUri = options.jwksUri;
    this.#fetch = options.fetch;
    this.#fetchKeySet =
      options.jwksUri === undefined ? fetchNamedBy(new URL(options.issuer), options.fetch) : options.fetch;
  }

  /** The key that an earlier search found, where the key set is fresh. `now` is in milliseconds. */
  known(header: JWSHeaderParameters, now: number): CryptoKey[] | undefined {
    return now - this.#fetchedAt > FRESH_MS ? undefined : this.#keys?.known(header);
  }

  /**
   * The keys that can have made the signature; empty where the issuer publishes none. `now` is in milliseconds.
   * Throws KeysUnavailableError where there is no key set, or there is an old one without the key.
   */
  async keysFor(header: JWSHeaderParameters, now: number): Promise<CryptoKey[]> {
    const before = this.#generation;
    if (now - this.#fetchedAt > FRESH_MS) {
      const askedAt = this.#failure?.at ?? this.#fetchedAt;
      const renewal = this.#renew(now);
      const keys = now - askedAt > RENEW_BEHIND_MS ? undefined : await this.#held(now)?.keysFor(header);
      if (keys !== undefined && keys.length > 0) return keys;
      await renewal;
    }
    let keys = await this.#usable(now).keysFor(header);
    if (keys.length === 0 && this.#generation === before && this.#mayRefresh(now)) {
      // An unknown key and a copy from before this request: the issuer may have rotated.
      await this.#renew(now);
      keys = await this.#usable(now).keysFor(header);
    }
    // It may well have been published since.
    if (keys.length === 0 && this.#failure !== undefined) throw new KeysUnavailableError(this.#failure.reason);
    return keys;
  }

  #held(now: number): LocalKeySet | undefined {
    return now - this.#fetchedAt > STALE_MS ? undefined : this.#keys;
  }

  #usable(now: number): LocalKeySet {
    const held = this.#held(now);
    if (held === undefined) throw new KeysUnavailableError(this.#failure?.reason);
    return held;
  }

  async #renew(now: number): Promise<void> {
    const pause = this.#keys === undefined ? RETRY_EMPTY_MS : RETRY_STALE_MS;
    if (this.#flight === undefined && this.#failure !== undefined && now - this.#failure.at < pause) return;
    this.#flight ??= this.#load(now).finally(() => {
      this.#flight = undefined;
    });
    await this.#flight;
  }

  /** Never rejects: a failure is remembered, and what is at hand decides whether it matters. */
  async #load(now: number): Promise<void> {
    let asked = 'metadata';
    try {
      this.#jwksUri =
        this.#configuredUri ?? this.#jwksUri ?? (await discoverUrl(this.#issuer, 'jwks_uri', this.#fetch));
      asked = 'key set';
      this.#keys = new LocalKeySet(await fetchJson(this.#jwksUri, this.#fetchKeySet));
      this.#fetchedAt = now;
      this.#failure = undefined;
      this.#generation += 1;
    } catch (error) {
      this.#failure = { at: now, reason: `${asked}: ${failureOf(error)}` };
      // The key set may have moved: the next try asks the metadata again.
      this.#jwksUri = undefined;
    }
  }

  /** Waiting for a fetch that is under way costs nothing. */
  #mayRefresh(now: number): boolean {
    return this.#flight !== undefined || this.#takeRefresh(now);
  }

  #takeRefresh(now: number): boolean {
    const earned = Math.floor((now - this.#refilledAt) / REFRESH_EVERY_MS);
    if (earned > 0) {
      this.#refreshes = Math.min(REFRESH_BURST, this.#refreshes + earned);
      this.#refilledAt = now;
    }
    if (this.#refreshes === 0) return false;
    this.#refreshes -= 1;
    return true;
  }
}
