import type { CryptoKey } from 'jose';
import type { KeyHeader } from '../jose/protected-header.ts';
import { discoverUrl } from '../metadata/discover.ts';
import { failureOf } from '../net/peer-failure.ts';
import { checkConfiguredUrl } from '../net/configured-url.ts';
import { fetchJson } from '../net/fetch-json.ts';
import type { FetchLike, FetchUrl } from '../net/fetch-like.ts';
import { fetchNamedBy } from '../net/fetch-named.ts';
import { LocalKeySet } from './local-key-set.ts';

/** A key set that is older than this is fetched again. */
const FRESH_MS = 10 * 60_000;
/** While the last request for the key set, successful or not, is younger than this, callers do not wait for its renewal. */
const RENEW_BEHIND_MS = 20 * 60_000;
/** A key set that cannot be renewed is still used until it is this old. */
const STALE_MS = 24 * 60 * 60_000;
/** The pause after a failed renewal: if an older key set is still used, and if there is none. */
const RETRY_STALE_MS = 10_000;
const RETRY_EMPTY_MS = 1000;
/** The limit of renewals that unknown `kid`s cause: this many at once, and one more in each interval. */
const REFRESH_BURST = 5;
const REFRESH_EVERY_MS = 10_000;

/** The keys cannot be fetched at the moment. The message is the reason, such as `key set: answered 404`. */
export class KeysUnavailableError extends Error {
  /** Always `KeysUnavailableError`. */
  override readonly name = 'KeysUnavailableError';
}

/**
 * The key set of one issuer. The key set is fetched when it is first needed, and renewed by one request at a time, within
 * the limits above. While the issuer does not answer, the old key set stays in use.
 */
export class RemoteKeySet {
  readonly #issuer: string;
  readonly #configuredUri: string | undefined;
  readonly #fetch: FetchLike;
  /** Fetches the key set. Checks addresses if the issuer's metadata named the URL. */
  readonly #fetchKeySet: FetchUrl;
  #jwksUri: string | undefined;
  #keys: LocalKeySet | undefined;
  #fetchedAt = Number.NEGATIVE_INFINITY;
  /** The time and the reason of the last attempt, if it failed. */
  #failure: { readonly at: number; readonly reason: string } | undefined;
  #loading: Promise<void> | undefined;
  #generation = 0;
  #refreshes = REFRESH_BURST;
  #refilledAt = Number.NEGATIVE_INFINITY;

  /** Throws a TypeError for a URL that may not be requested. */
  constructor(options: { issuer: string; jwksUri?: string | undefined; fetch: FetchLike }) {
    checkConfiguredUrl('RemoteKeySet', options.jwksUri ?? options.issuer);
    this.#issuer = options.issuer;
    this.#configuredUri = options.jwksUri;
    this.#fetch = options.fetch;
    this.#fetchKeySet =
      options.jwksUri === undefined ? fetchNamedBy(new URL(options.issuer), options.fetch) : options.fetch;
  }

  /** The cached key for this header, if the key set is fresh. `now` is in epoch milliseconds. */
  known(header: KeyHeader, now: number): CryptoKey[] | undefined {
    return now - this.#fetchedAt > FRESH_MS ? undefined : this.#keys?.known(header);
  }

  /**
   * The keys that can verify a signature with this header; empty if the issuer publishes no such key. `now` is in epoch
   * milliseconds. Throws KeysUnavailableError if there is no key set, or if the last renewal failed and the old key set
   * does not have the key.
   */
  async keysFor(header: KeyHeader, now: number): Promise<CryptoKey[]> {
    const before = this.#generation;
    if (now - this.#fetchedAt > FRESH_MS) {
      const lastRequestAt = this.#failure?.at ?? this.#fetchedAt;
      const renewal = this.#renew(now);
      const keys = now - lastRequestAt > RENEW_BEHIND_MS ? undefined : await this.#held(now)?.keysFor(header);
      if (keys !== undefined && keys.length > 0) return keys;
      await renewal;
    }
    let keys = await this.#usable(now).keysFor(header);
    if (keys.length === 0 && this.#generation === before && this.#mayRefresh(now)) {
      // The key is unknown, and the key set was fetched before this call: the issuer may have rotated its keys since.
      await this.#renew(now);
      keys = await this.#usable(now).keysFor(header);
    }
    // The renewal failed, so the issuer may have published the key since.
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
    if (this.#loading === undefined && this.#failure !== undefined && now - this.#failure.at < pause) return;
    this.#loading ??= this.#load(now).finally(() => {
      this.#loading = undefined;
    });
    await this.#loading;
  }

  /** Never rejects: it stores the failure. The caller throws only if the old key set does not suffice. */
  async #load(now: number): Promise<void> {
    let step = 'metadata';
    try {
      this.#jwksUri =
        this.#configuredUri ?? this.#jwksUri ?? (await discoverUrl(this.#issuer, 'jwks_uri', this.#fetch));
      step = 'key set';
      this.#keys = new LocalKeySet(await fetchJson(this.#jwksUri, this.#fetchKeySet));
      this.#fetchedAt = now;
      this.#failure = undefined;
      this.#generation += 1;
    } catch (error) {
      this.#failure = { at: now, reason: `${step}: ${failureOf(error)}` };
      // The key set may have moved: the next attempt fetches the metadata again.
      this.#jwksUri = undefined;
    }
  }

  /** A caller that joins a request in progress uses up no refresh. */
  #mayRefresh(now: number): boolean {
    return this.#loading !== undefined || this.#takeRefresh(now);
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
