import type { CryptoKey, JWSHeaderParameters } from 'jose';
import { discoverUrl } from './discover.ts';
import { type FetchLike, fetchJson } from './fetch-json.ts';
import { LocalKeySet } from './local-key-set.ts';

/** A key set is asked for again when it is older than this. */
const FRESH_MS = 10 * 60_000;
/** A key set that cannot be renewed is still used until it is this old. */
const STALE_MS = 24 * 60 * 60_000;
/** After a failed renewal the peer is left alone for this long: longer where an older key set can serve meanwhile. */
const RETRY_STALE_MS = 10_000;
const RETRY_EMPTY_MS = 1000;
/** Renewals for the sake of unknown `kid`s: this many at once, and one more each interval. */
const REFRESH_BURST = 5;
const REFRESH_EVERY_MS = 10_000;

/** The key set cannot be had and none was had before. */
export class KeysUnavailableError extends Error {
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
  #jwksUri: string | undefined;
  #keys: LocalKeySet | undefined;
  #fetchedAt = Number.NEGATIVE_INFINITY;
  #failedAt = Number.NEGATIVE_INFINITY;
  #flight: Promise<void> | undefined;
  #generation = 0;
  #refreshes = REFRESH_BURST;
  #refilledAt = Number.NEGATIVE_INFINITY;

  constructor(options: { issuer: string; jwksUri?: string | undefined; fetch: FetchLike }) {
    this.#issuer = options.issuer;
    this.#configuredUri = options.jwksUri;
    this.#fetch = options.fetch;
  }

  /** The key that an earlier search found, where the key set is fresh. `now` is in milliseconds. */
  known(header: JWSHeaderParameters, now: number): CryptoKey[] | undefined {
    return now - this.#fetchedAt > FRESH_MS ? undefined : this.#keys?.known(header);
  }

  /**
   * The keys that can have made the signature; empty where the issuer publishes none. `now` is in milliseconds.
   * Throws KeysUnavailableError.
   */
  async keysFor(header: JWSHeaderParameters, now: number): Promise<CryptoKey[]> {
    const before = this.#generation;
    if (now - this.#fetchedAt > FRESH_MS) await this.#renew(now);
    const keys = await this.#usable(now).keysFor(header);
    if (keys.length > 0 || this.#generation !== before || !this.#takeRefresh(now)) return keys;
    // An unknown key and a copy from before this request: the issuer may have rotated.
    await this.#renew(now);
    return this.#usable(now).keysFor(header);
  }

  #usable(now: number): LocalKeySet {
    if (this.#keys === undefined || now - this.#fetchedAt > STALE_MS) {
      throw new KeysUnavailableError('the key set cannot be fetched');
    }
    return this.#keys;
  }

  async #renew(now: number): Promise<void> {
    const pause = this.#keys === undefined ? RETRY_EMPTY_MS : RETRY_STALE_MS;
    if (this.#flight === undefined && now - this.#failedAt < pause) return;
    this.#flight ??= this.#load(now).finally(() => {
      this.#flight = undefined;
    });
    await this.#flight;
  }

  /** Never rejects: a failure is remembered, and what is at hand decides whether it matters. */
  async #load(now: number): Promise<void> {
    try {
      this.#jwksUri =
        this.#configuredUri ?? this.#jwksUri ?? (await discoverUrl(this.#issuer, 'jwks_uri', this.#fetch));
      this.#keys = new LocalKeySet(await fetchJson(this.#jwksUri, this.#fetch));
      this.#fetchedAt = now;
      this.#failedAt = Number.NEGATIVE_INFINITY;
      this.#generation += 1;
    } catch {
      this.#failedAt = now;
      // The key set may have moved: the next try asks the metadata again.
      this.#jwksUri = undefined;
    }
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
