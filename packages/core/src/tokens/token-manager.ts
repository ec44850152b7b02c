import { setMaxListeners } from 'node:events';
import { lruCache, scopesNotIn, waitFor } from '@credence/protocol';
import { isCredenceError } from '../errors/credence-error.ts';
import type { Grant } from '../flows/flow.ts';
import { sleep } from '../time/sleep.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { runAsAcquisition } from '../telemetry/acquisition.ts';
import { tokenHash } from './token-hash.ts';
import { AccessToken } from './access-token.ts';
import { ageAt, agesOf, type Ages, ASSUMED_LIFETIME_SECONDS } from './age.ts';
import { withDeadline } from './deadline.ts';
import { closed, notGranted, tokenRefused, unexpected } from './failures.ts';
import { retryAfterMs, Refusals } from './refusals.ts';
import { RenewalClock } from './renewal-clock.ts';
import type { SharedStore } from '../store/shared-store.ts';
import { recentRefusal, shareRefusal } from './stored-refusal.ts';
import { parseStoredToken, serialiseToken, type StoredToken } from './stored-token.ts';

/** What is wanted, and how to get it when it is not there. */
export interface TokenWanted {
  readonly key: string;
  readonly server: string;
  readonly scopes: readonly string[] | undefined;
  /** The caller named these scopes: one that is missing is an error, not a partial grant. */
  readonly explicit: boolean;
  /** It is asked for again and again: then it is also renewed by the clock. One that is made for a single call is not kept. */
  readonly lasting: boolean;
  readonly acquire: (signal: AbortSignal) => Promise<Grant>;
}

/** Its ages are members of the entry itself: an object of their own would weigh more, and there may be many entries. */
interface Entry extends Ages {
  readonly token: AccessToken;
  renewAtMs: number;
  /** When it came here; monotonic milliseconds. */
  readonly sinceMs: number;
  /** The server has answered a call with it by something else than 401. */
  accepted: boolean;
  readonly refused: (() => void) | undefined;
  /** Somebody asked for it: only a token that is used is renewed by the clock. */
  used: boolean;
  /** To renew it by; undefined for what was asked for once. */
  readonly lasting: TokenWanted | undefined;
}

const DEFAULT_MAX_TOKENS = 10_000;
const MAX_REFUSED = 1_000;
const RENEWAL_PAUSE_MS = 5_000;
const FRESH_MS = 30_000;
const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 250;

/** For a caller that waits, or behind callers that do not. */
type Outcome = 'acquired' | 'renewed';

/** Thrown inside a renewal that is left to another copy of the bot. */
const RENEWED_ELSEWHERE = new Error('another process is renewing this token');

/**
 * Caches access tokens. At most one request for a token of a key is under way; tokens are renewed in the background before they
 * expire, and a refused token is replaced once for all callers that found it refused.
 */
export class TokenManager {
  readonly #runtime: Runtime;
  readonly #store: SharedStore | undefined;
  readonly #entries: ReturnType<typeof lruCache<Entry>>;
  readonly #flights = new Map<string, Promise<AccessToken>>();
  readonly #refusals: Refusals;
  readonly #renewals: RenewalClock;
  /** Hashes of the last refused tokens: a store that could not be reached may still hold one. */
  readonly #refused = lruCache<true>(MAX_REFUSED);
  readonly #closing = new AbortController();

  /** At most `maxTokens` are kept; the one that was used least recently goes first. */
  constructor(runtime: Runtime, store: SharedStore | undefined, maxTokens = DEFAULT_MAX_TOKENS) {
    this.#runtime = runtime;
    this.#store = store;
    this.#entries = lruCache(maxTokens);
    this.#refusals = new Refusals(runtime.clock);
    this.#renewals = new RenewalClock(runtime.clock, (nowMs) => this.#renewDue(nowMs));
    // every flight adds a listener and removes it at its end
    setMaxListeners(0, this.#closing.signal);
  }

  /** A token that is good now, or undefined; starts its renewal when it is ageing. Costs no promise. */
  peek(wanted: TokenWanted): AccessToken | undefined {
    const entry = this.#entries.get(wanted.key);
    if (!entry) return undefined;
    const nowMs = this.#runtime.clock.monotonicMs();
    const age = ageAt(nowMs, entry);
    if (age === 'expired') return undefined;
    entry.used = true;
    if (age === 'ageing') this.#renew(wanted, entry);
    return entry.token;
  }

  async get(wanted: TokenWanted, signal?: AbortSignal): Promise<AccessToken> {
    signal?.throwIfAborted();
    const token = this.peek(wanted) ?? (await this.#acquire(wanted, signal));
    if (wanted.explicit && token.missingScopes.length > 0) throw notGranted(token);
    return token;
  }

  /** The server refused exactly this token: forget it, unless another one is already in its place. */
  reject(token: AccessToken): void {
    const key = AccessToken.keyOf(token);
    const entry = this.#entries.peek(key);
    if (entry?.token.value !== token.value) return;
    this.#entries.delete(key);
    if (this.#store) this.#refused.set(token.hash, true);
    entry.refused?.();
    void this.#deleteFromStore(token);
    this.#runtime.emit({ type: 'rejected', server: token.server, tokenHash: token.hash });
    // a token that lived for a while was surely taken by somebody who did not say so
    const isFresh = this.#runtime.clock.monotonicMs() - entry.sinceMs < FRESH_MS;
    if (entry.accepted || !isFresh) this.#refusals.accepted(key);
    else this.#refusals.neverAccepted(key, () => tokenRefused(token));
  }

  async #deleteFromStore(token: AccessToken): Promise<void> {
    const key = AccessToken.keyOf(token);
    const text = await this.#store?.get(key);
    if (text !== undefined && parseStoredToken(text)?.value === token.value) await this.#store?.delete(key, text);
  }

  /** The server took this token. */
  accept(token: AccessToken): void {
    const key = AccessToken.keyOf(token);
    const entry = this.#entries.peek(key);
    if (!entry || entry.accepted || entry.token.value !== token.value) return;
    entry.accepted = true;
    this.#refusals.accepted(key);
  }

  /** Ends flights under way and keeps nothing. */
  async close(): Promise<void> {
    this.#closing.abort(closed());
    await Promise.allSettled(this.#flights.values());
    this.#entries.clear();
    this.#renewals.stop();
  }

  async #acquire(wanted: TokenWanted, signal: AbortSignal | undefined): Promise<AccessToken> {
    const refused = this.#refusals.of(wanted.key);
    if (refused) throw refused;
    const flight = this.#flights.get(wanted.key);
    if (flight) this.#runtime.emit({ type: 'joined', server: wanted.server });
    try {
      return await waitFor(flight ?? this.#startFlight(wanted, 'acquired'), signal);
    } catch (error) {
      if (error !== RENEWED_ELSEWHERE) throw error;
      // it joined a renewal that was left to another copy, and the token has expired meanwhile
      return this.get(wanted, signal);
    }
  }

  #renew(wanted: TokenWanted, entry: Entry): void {
    if (this.#flights.has(wanted.key) || this.#closing.signal.aborted) return;
    this.#startFlight(wanted, 'renewed').catch((error: unknown) => {
      // the flight reported it, or another copy renews; the next attempt comes soon, but not with every call
      const nowMs = this.#runtime.clock.monotonicMs();
      const pauseMs = Math.min(RENEWAL_PAUSE_MS, (entry.goodUntilMs - nowMs) / 4);
      const askedMs = (isCredenceError(error) && retryAfterMs(error)) || 50;
      entry.renewAtMs = nowMs + Math.max(pauseMs, askedMs);
      if (entry.lasting && this.#entries.peek(wanted.key) === entry) this.#renewals.remind(entry.renewAtMs);
    });
  }

  /** Renews the used tokens that are ageing, so that a bot that calls rarely does not wait either. */
  #renewDue(nowMs: number): { nextMs: number; looked: number } {
    let nextMs = Infinity;
    for (const entry of this.#entries.values()) {
      if (!entry.used || !entry.lasting) continue;
      const age = ageAt(nowMs, entry);
      if (age === 'ageing') this.#renew(entry.lasting, entry);
      else if (age === 'fresh') nextMs = Math.min(nextMs, entry.renewAtMs);
    }
    return { nextMs, looked: this.#entries.size };
  }

  #startFlight(wanted: TokenWanted, outcome: Outcome): Promise<AccessToken> {
    const run = () => this.#runFlight(wanted, outcome);
    const flight = (this.#runtime.observed ? runAsAcquisition(run) : run()).finally(() =>
      this.#flights.delete(wanted.key),
    );
    this.#flights.set(wanted.key, flight);
    return flight;
  }

  async #runFlight(wanted: TokenWanted, outcome: Outcome): Promise<AccessToken> {
    const startedMs = this.#runtime.clock.monotonicMs();
    const tookMs = () => this.#runtime.clock.monotonicMs() - startedMs;
    try {
      const limits = { server: wanted.server, totalMs: this.#runtime.timeout.totalMs, closing: this.#closing.signal };
      return await withDeadline(limits, (signal) =>
        this.#store
          ? this.#acquireThroughStore(this.#store, wanted, outcome, signal, tookMs)
          : this.#requestToken(wanted, outcome, signal, tookMs),
      );
    } catch (error) {
      if (error === RENEWED_ELSEWHERE) throw error;
      const failure = isCredenceError(error) ? error : unexpected(wanted.server, error);
      if (outcome === 'acquired' || retryAfterMs(failure) !== undefined) this.#refusals.remember(wanted.key, failure);
      this.#runtime.emit({
        type: outcome === 'acquired' ? 'refused' : 'renewal-failed',
        server: wanted.server,
        leg: failure.leg,
        code: failure.code,
        error: failure.error,
        issuer: failure.issuer,
        message: failure.message,
        remedy: failure.remedy,
        contact: failure.contact,
        durationMs: tookMs(),
      });
      throw failure;
    }
  }

  /**
   * Takes the token that another copy of the bot has stored, or requests one under a lease. While another copy has the lease, a
   * caller waits for its token or its refusal; a renewal is left to that copy.
   */
  async #acquireThroughStore(
    store: SharedStore,
    wanted: TokenWanted,
    outcome: Outcome,
    signal: AbortSignal,
    tookMs: () => number,
  ): Promise<AccessToken> {
    let hasWaited = false;
    const takeFromOthers = async () => {
      const token = await this.#takeFromStore(store, wanted, outcome);
      const refused = token ? undefined : await recentRefusal(store, wanted, hasWaited);
      if (refused) throw refused;
      return token;
    };
    const requestForAll = async () => {
      try {
        return await this.#requestToken(wanted, outcome, signal, tookMs);
      } catch (error) {
        await shareRefusal(store, wanted.key, error);
        throw error;
      }
    };
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 1.5, LONGEST_PAUSE_MS)) {
      const token =
        (await takeFromOthers()) ??
        (await store.leased(wanted.key, async () => (await takeFromOthers()) ?? (await requestForAll()), undefined));
      if (token) return token;
      if (outcome === 'renewed') throw RENEWED_ELSEWHERE;
      hasWaited = true;
      await sleep(pauseMs * (0.75 + Math.random() / 2), signal);
    }
  }

  async #requestToken(
    wanted: TokenWanted,
    outcome: Outcome,
    signal: AbortSignal,
    tookMs: () => number,
  ): Promise<AccessToken> {
    const grant = await wanted.acquire(signal);
    const token = await this.#storeGrant(wanted, grant, outcome);
    this.#runtime.emit({
      type: outcome,
      server: wanted.server,
      issuer: token.issuer,
      resource: token.resource,
      scopes: token.scopes,
      ...(token.missingScopes.length > 0 && { missingScopes: token.missingScopes }),
      expiresInSeconds: Math.round(grant.expiresInSeconds ?? ASSUMED_LIFETIME_SECONDS),
      durationMs: tookMs(),
      tokenHash: token.hash,
    });
    return token;
  }

  /** A token that another copy has stored and that is good for longer than the one here, or undefined. */
  async #takeFromStore(store: SharedStore, wanted: TokenWanted, outcome: Outcome): Promise<AccessToken | undefined> {
    const text = await store.get(wanted.key);
    const stored = text === undefined ? undefined : parseStoredToken(text);
    if (!stored || this.#refused.has(tokenHash(stored.value))) return undefined;
    const current = this.#entries.peek(wanted.key);
    if (current?.token.value === stored.value) return undefined;
    const nowMs = this.#runtime.clock.monotonicMs();
    const agedMs = Math.max(0, this.#runtime.clock.wallMs() - stored.issuedAtMs);
    const ages = agesOf(nowMs - agedMs, stored.expiresAtMs - stored.issuedAtMs, Math.random(), 'after');
    if (ageAt(nowMs, ages) === 'expired' || (current && ages.goodUntilMs <= current.goodUntilMs)) return undefined;
    const token = tokenOf(stored, wanted);
    this.#addEntry(wanted, outcome, { token, ...ages, refused: undefined });
    this.#runtime.emit({ type: 'shared', server: wanted.server, tokenHash: token.hash });
    return token;
  }

  async #storeGrant(wanted: TokenWanted, grant: Grant, outcome: Outcome): Promise<AccessToken> {
    const lifetimeMs = (grant.expiresInSeconds ?? ASSUMED_LIFETIME_SECONDS) * 1000;
    const issuedAtMs = this.#runtime.clock.wallMs();
    const stored: StoredToken = {
      value: grant.accessToken,
      type: grant.type,
      issuedAtMs,
      expiresAtMs: issuedAtMs + lifetimeMs,
      scopes: grant.scopes,
      missingScopes: wanted.scopes && grant.scopesStated ? scopesNotIn(wanted.scopes, grant.scopes) : [],
      issuer: grant.issuer,
      resource: grant.resource,
    };
    const token = tokenOf(stored, wanted);
    const ages = agesOf(this.#runtime.clock.monotonicMs(), lifetimeMs, Math.random());
    if (lifetimeMs > 0) {
      this.#addEntry(wanted, outcome, { token, ...ages, refused: grant.refused });
      // before the lease is released, so that the next copy finds the token
      await this.#store?.set(wanted.key, serialiseToken(stored), lifetimeMs);
    }
    return token;
  }

  #addEntry(wanted: TokenWanted, outcome: Outcome, kept: Pick<Entry, 'token' | 'refused' | keyof Ages>): void {
    if (this.#closing.signal.aborted) return;
    const sinceMs = this.#runtime.clock.monotonicMs();
    const lasting = wanted.lasting ? wanted : undefined;
    const entry: Entry = { ...kept, sinceMs, accepted: false, used: outcome === 'acquired', lasting };
    this.#entries.set(wanted.key, entry);
    if (lasting) this.#renewals.remind(entry.renewAtMs);
  }
}

/** One list for all tokens that miss no scope: there may be many. */
const NONE_MISSING: readonly string[] = Object.freeze([]);

function tokenOf(stored: StoredToken, { server, key }: TokenWanted): AccessToken {
  const missing = stored.missingScopes.length > 0 ? stored.missingScopes : NONE_MISSING;
  return new AccessToken({ ...stored, missingScopes: missing, expiresAt: new Date(stored.expiresAtMs), server, key });
}
