import { setMaxListeners } from 'node:events';
import { scopesNotIn } from '@credence/protocol';
import { isCredenceError } from '../errors/credence-error.ts';
import type { Grant } from '../flows/flow.ts';
import { sleep } from '../time/sleep.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { asAcquisition } from '../telemetry/acquisition.ts';
import { tokenHash } from './token-hash.ts';
import { AccessToken } from './access-token.ts';
import { ageAt, agesOf, type Ages, ASSUMED_LIFETIME_SECONDS } from './age.ts';
import { withDeadline } from './deadline.ts';
import { closed, notGranted, tokenRefused, unexpected } from './failures.ts';
import { askedFor, Refusals } from './refusals.ts';
import { RenewalClock } from './renewal-clock.ts';
import type { SharedStore } from '../store/shared-store.ts';
import { refusedInFront, tellRefusal } from './stored-refusal.ts';
import { parseStoredToken, serialiseToken, type StoredToken } from './stored-token.ts';
import { waitFor } from '../time/wait-for.ts';

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

interface Entry {
  readonly token: AccessToken;
  ages: Ages;
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

/** Another copy of the bot is renewing. */
const TAKEN = new Error('another process is renewing this token');

/**
 * Keeps access tokens: one flight per key, renewal behind the callers' backs, a refused token replaced once for all who
 * found it refused.
 */
export class TokenManager {
  readonly #runtime: Runtime;
  readonly #store: SharedStore | undefined;
  readonly #maxTokens: number;
  readonly #entries = new Map<string, Entry>();
  readonly #flights = new Map<string, Promise<AccessToken>>();
  readonly #refusals: Refusals;
  readonly #renewals: RenewalClock;
  /** Hashes of tokens that were refused, the latest of them: a store may hold one for as long as it could not be asked. */
  readonly #refused = new Set<string>();
  readonly #closing = new AbortController();

  /** At most `maxTokens` are kept; the one that was used least recently goes first. */
  constructor(runtime: Runtime, store: SharedStore | undefined, maxTokens = DEFAULT_MAX_TOKENS) {
    this.#runtime = runtime;
    this.#store = store;
    this.#maxTokens = maxTokens;
    this.#refusals = new Refusals(runtime.clock);
    this.#renewals = new RenewalClock(runtime.clock, (nowMs) => this.#sweep(nowMs));
    // every flight listens to it while it lasts: many are no leak
    setMaxListeners(0, this.#closing.signal);
  }

  /** A token that is good now, or undefined; starts its renewal when it is ageing. Costs no promise. */
  peek(wanted: TokenWanted): AccessToken | undefined {
    const entry = this.#entries.get(wanted.key);
    if (!entry) return undefined;
    const nowMs = this.#runtime.clock.monotonicMs();
    const age = ageAt(nowMs, entry.ages);
    if (age === 'expired') return undefined;
    if (this.#entries.size > 1) {
      this.#entries.delete(wanted.key);
      this.#entries.set(wanted.key, entry);
    }
    entry.used = true;
    if (age === 'ageing') this.#renew(wanted, entry);
    return entry.token;
  }

  async get(wanted: TokenWanted, signal?: AbortSignal): Promise<AccessToken> {
    signal?.throwIfAborted();
    const token = this.peek(wanted) ?? (await this.#brought(wanted, signal));
    if (wanted.explicit && token.missingScopes.length > 0) throw notGranted(token);
    return token;
  }

  /** The server refused exactly this token: forget it, unless another one is already in its place. */
  reject(token: AccessToken): void {
    const key = AccessToken.keyOf(token);
    const entry = this.#entries.get(key);
    if (entry?.token.value !== token.value) return;
    this.#entries.delete(key);
    if (this.#store) this.#neverAgain(token.hash);
    entry.refused?.();
    void this.#forgetShared(token);
    this.#runtime.emit({ type: 'rejected', server: token.server, tokenHash: token.hash });
    // a token that lived for a while was surely taken by somebody who did not say so
    const isFresh = this.#runtime.clock.monotonicMs() - entry.sinceMs < FRESH_MS;
    if (entry.accepted || !isFresh) this.#refusals.accepted(key);
    else this.#refusals.neverAccepted(key, () => tokenRefused(token));
  }

  #neverAgain(hash: string): void {
    this.#refused.add(hash);
    const oldest = this.#refused.values().next();
    if (this.#refused.size > MAX_REFUSED && !oldest.done) this.#refused.delete(oldest.value);
  }

  async #forgetShared(token: AccessToken): Promise<void> {
    const key = AccessToken.keyOf(token);
    const text = await this.#store?.get(key);
    if (text !== undefined && parseStoredToken(text)?.value === token.value) await this.#store?.delete(key, text);
  }

  /** The server took this token. */
  accept(token: AccessToken): void {
    const key = AccessToken.keyOf(token);
    const entry = this.#entries.get(key);
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

  async #brought(wanted: TokenWanted, signal: AbortSignal | undefined): Promise<AccessToken> {
    const refused = this.#refusals.of(wanted.key);
    if (refused) throw refused;
    const flight = this.#flights.get(wanted.key);
    if (flight) this.#runtime.emit({ type: 'joined', server: wanted.server });
    try {
      return await waitFor(flight ?? this.#fly(wanted, 'acquired'), signal);
    } catch (error) {
      if (error !== TAKEN) throw error;
      // it joined a renewal that left the matter to another copy, and its token has ended meanwhile
      return this.get(wanted, signal);
    }
  }

  #renew(wanted: TokenWanted, entry: Entry): void {
    if (this.#flights.has(wanted.key) || this.#closing.signal.aborted) return;
    this.#fly(wanted, 'renewed').catch((error: unknown) => {
      // reported by the flight, or under way in another copy; the next look comes soon, but not with every call
      const nowMs = this.#runtime.clock.monotonicMs();
      const pauseMs = Math.min(RENEWAL_PAUSE_MS, (entry.ages.goodUntilMs - nowMs) / 4);
      const askedMs = (isCredenceError(error) && askedFor(error)) || 50;
      entry.ages = { ...entry.ages, renewAtMs: nowMs + Math.max(pauseMs, askedMs) };
      if (entry.lasting && this.#entries.get(wanted.key) === entry) this.#renewals.remind(entry.ages.renewAtMs);
    });
  }

  /** So that a bot that calls now and then does not wait either: what was used is renewed when its time has come. */
  #sweep(nowMs: number): { nextMs: number; looked: number } {
    let nextMs = Infinity;
    for (const entry of this.#entries.values()) {
      if (!entry.used || !entry.lasting) continue;
      const age = ageAt(nowMs, entry.ages);
      if (age === 'ageing') this.#renew(entry.lasting, entry);
      else if (age === 'fresh') nextMs = Math.min(nextMs, entry.ages.renewAtMs);
    }
    return { nextMs, looked: this.#entries.size };
  }

  #fly(wanted: TokenWanted, outcome: Outcome): Promise<AccessToken> {
    const bring = () => this.#bring(wanted, outcome);
    const flight = (this.#runtime.observed ? asAcquisition(bring) : bring()).finally(() =>
      this.#flights.delete(wanted.key),
    );
    this.#flights.set(wanted.key, flight);
    return flight;
  }

  async #bring(wanted: TokenWanted, outcome: Outcome): Promise<AccessToken> {
    const startedMs = this.#runtime.clock.monotonicMs();
    const tookMs = () => this.#runtime.clock.monotonicMs() - startedMs;
    try {
      const limits = { server: wanted.server, totalMs: this.#runtime.timeout.totalMs, closing: this.#closing.signal };
      return await withDeadline(limits, (signal) =>
        this.#store
          ? this.#throughStore(this.#store, wanted, outcome, signal, tookMs)
          : this.#ask(wanted, outcome, signal, tookMs),
      );
    } catch (error) {
      if (error === TAKEN) throw error;
      const failure = isCredenceError(error) ? error : unexpected(wanted.server, error);
      if (outcome === 'acquired' || askedFor(failure) !== undefined) this.#refusals.remember(wanted.key, failure);
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
   * What another copy of the bot has got, or the right to get it. Who needs a token waits for the one copy that has that
   * right, and has its refusal for an answer; who only wants to renew leaves it to that copy.
   */
  async #throughStore(
    store: SharedStore,
    wanted: TokenWanted,
    outcome: Outcome,
    signal: AbortSignal,
    tookMs: () => number,
  ): Promise<AccessToken> {
    let hasWaited = false;
    const fromOthers = async () => {
      const token = await this.#fromStore(store, wanted, outcome);
      const refused = token ? undefined : await refusedInFront(store, wanted, hasWaited);
      if (refused) throw refused;
      return token;
    };
    const askForAll = async () => {
      try {
        return await this.#ask(wanted, outcome, signal, tookMs);
      } catch (error) {
        await tellRefusal(store, wanted.key, error);
        throw error;
      }
    };
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 1.5, LONGEST_PAUSE_MS)) {
      const token =
        (await fromOthers()) ??
        (await store.leased(wanted.key, async () => (await fromOthers()) ?? (await askForAll()), undefined));
      if (token) return token;
      if (outcome === 'renewed') throw TAKEN;
      hasWaited = true;
      await sleep(pauseMs * (0.75 + Math.random() / 2), signal);
    }
  }

  async #ask(wanted: TokenWanted, outcome: Outcome, signal: AbortSignal, tookMs: () => number): Promise<AccessToken> {
    const grant = await wanted.acquire(signal);
    const token = await this.#keep(wanted, grant, outcome);
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

  /** A token that another copy put there and that serves better than what is here, or undefined. */
  async #fromStore(store: SharedStore, wanted: TokenWanted, outcome: Outcome): Promise<AccessToken | undefined> {
    const text = await store.get(wanted.key);
    const stored = text === undefined ? undefined : parseStoredToken(text);
    if (!stored || this.#refused.has(tokenHash(stored.value))) return undefined;
    const current = this.#entries.get(wanted.key);
    if (current?.token.value === stored.value) return undefined;
    const nowMs = this.#runtime.clock.monotonicMs();
    const agedMs = Math.max(0, this.#runtime.clock.wallMs() - stored.issuedAtMs);
    const ages = agesOf(nowMs - agedMs, stored.expiresAtMs - stored.issuedAtMs, Math.random(), 'after');
    if (ageAt(nowMs, ages) === 'expired' || (current && ages.goodUntilMs <= current.ages.goodUntilMs)) return undefined;
    const token = tokenOf(stored, wanted);
    this.#put(wanted, outcome, { token, ages, refused: undefined });
    this.#runtime.emit({ type: 'shared', server: wanted.server, tokenHash: token.hash });
    return token;
  }

  async #keep(wanted: TokenWanted, grant: Grant, outcome: Outcome): Promise<AccessToken> {
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
      this.#put(wanted, outcome, { token, ages, refused: grant.refused });
      // before the lease is given back, so that who gets it next finds the token
      await this.#store?.set(wanted.key, serialiseToken(stored), lifetimeMs);
    }
    return token;
  }

  #put(wanted: TokenWanted, outcome: Outcome, kept: Pick<Entry, 'token' | 'ages' | 'refused'>): void {
    if (this.#closing.signal.aborted) return;
    const sinceMs = this.#runtime.clock.monotonicMs();
    const lasting = wanted.lasting ? wanted : undefined;
    const entry: Entry = { ...kept, sinceMs, accepted: false, used: outcome === 'acquired', lasting };
    this.#entries.delete(wanted.key);
    this.#entries.set(wanted.key, entry);
    if (lasting) this.#renewals.remind(entry.ages.renewAtMs);
    const oldest = this.#entries.keys().next();
    if (this.#entries.size > this.#maxTokens && !oldest.done) this.#entries.delete(oldest.value);
  }
}

function tokenOf(stored: StoredToken, { server, key }: TokenWanted): AccessToken {
  return new AccessToken({ ...stored, expiresAt: new Date(stored.expiresAtMs), server, key });
}
