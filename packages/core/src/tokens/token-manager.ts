import { setMaxListeners } from 'node:events';
import { type LruCache, lruCache, waitFor, within } from '@credence/protocol';
import { type CredenceError, isCredenceError } from '../errors/credence-error.ts';
import type { Grant } from '../flows/flow.ts';
import { scopesBeyond, scopesMissing } from '../flows/granted-scopes.ts';
import { sleep } from '../time/sleep.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { failureMembers, type PeerDetails } from '../runtime/events.ts';
import { runAsAcquisition, runWithout } from '../telemetry/event-context.ts';
import { tokenHash } from './token-hash.ts';
import { AccessToken } from './access-token.ts';
import { ageAt, agesOf, type Ages, ASSUMED_LIFETIME_SECONDS, isAboutToEnd } from './age.ts';
import { withAcquisitionLimit } from './acquisition-limits.ts';
import { withDeadline } from './deadline.ts';
import { closed, notGranted, type ServerRefusal, tokenRefused, unexpected } from './failures.ts';
import { onlyAPersonEnds, pauseOfAll } from '../backoff/backs-off.ts';
import { retryAfterMs } from '../backoff/pause.ts';
import { NamedErrors } from './named-errors.ts';
import { type Refusal, Refusals, type SharedRefusal } from './refusals.ts';
import { RenewalClock } from './renewal-clock.ts';
import { ServerClocks } from './server-clocks.ts';
import type { SharedStore } from '../store/shared-store.ts';
import { endSharedRefusal, recentRefusal, shareRefusal } from './stored-refusal.ts';
import { parseStoredToken, serialiseToken, type StoredToken } from './stored-token.ts';
import type { KeyState, TokenWanted } from './token-wanted.ts';

/** A cached token. The ages are members of the entry, not an object of their own, to save memory if there are many entries. */
interface Entry extends Ages {
  readonly token: AccessToken;
  renewAtMs: number;
  /** When the entry was added, in milliseconds of the monotonic clock. */
  readonly sinceMs: number;
  /** Whether the server has accepted the token in a call. */
  accepted: boolean;
  readonly refused: (() => void) | undefined;
  /** Whether a caller got this token. Only a used token is renewed by the timer. */
  used: boolean;
  /** Whether the last renewal failed, or took too long. Then no caller waits for the next one while the token is valid. */
  renewalFails: boolean;
  /** The request with which the timer renews the token. Undefined if the timer does not renew it. */
  readonly lasting: TokenWanted | undefined;
  /** The user for whom the token is. */
  readonly owner: string | undefined;
}

const DEFAULT_MAX_TOKENS = 10_000;
const MAX_REFUSED = 1_000;
const RENEWAL_PAUSE_MS = 5_000;
const SHORTEST_RENEWAL_PAUSE_MS = 50;
const STORE_PAUSE_MS = 1_000;
const NEW_MS = 30_000;
const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 250;

/** `acquired`: a caller waited for the token. `renewed`: the token was renewed in the background. */
type Outcome = 'acquired' | 'renewed';

/** Thrown in a renewal if another process renews the token. */
const RENEWED_ELSEWHERE = new Error('another process is renewing this token');

/**
 * Caches access tokens. At most one acquisition for each key is in progress. Tokens are renewed in the background before
 * they expire. A token that the server refuses is replaced once for all callers that reject it.
 */
export class TokenManager {
  readonly #runtime: Runtime;
  readonly #store: SharedStore | undefined;
  readonly #entries: LruCache<Entry>;
  readonly #acquisitions = new Map<string, Promise<AccessToken>>();
  readonly #running = new Set<Promise<void>>();
  readonly #refusals: Refusals;
  readonly #renewals: RenewalClock;
  readonly #clocks: ServerClocks;
  /** The hashes of the last refused tokens. A token is not used again if the store failed and still contains it. */
  readonly #refused = lruCache<true>(MAX_REFUSED);
  /** When the store was asked for a token although the last acquisition was refused, in milliseconds of the monotonic clock. */
  readonly #storeAskedAt = lruCache<{ ms: number }>(MAX_REFUSED);
  /** What other processes have stored about the errors that were read from the store. */
  readonly #sharedRefusals = new WeakMap<CredenceError, SharedRefusal>();
  readonly #namedErrors = new NamedErrors();
  /** The last failed acquisition or renewal of a key, and whether the key has got a token since. */
  readonly #lastFailures = lruCache<{ readonly error: CredenceError; readonly atMs: number; over: boolean }>(
    MAX_REFUSED,
  );
  readonly #acquired = lruCache<true>(MAX_REFUSED);
  readonly #closing = new AbortController();

  /** At most `maxTokens` tokens are cached. The least recently used is removed first. */
  constructor(runtime: Runtime, store: SharedStore | undefined, maxTokens = DEFAULT_MAX_TOKENS) {
    this.#runtime = runtime;
    this.#store = store;
    this.#entries = lruCache(maxTokens);
    this.#refusals = new Refusals(runtime.clock);
    this.#clocks = new ServerClocks(runtime.clock);
    this.#renewals = new RenewalClock(runtime.clock, (nowMs) => runWithout(() => this.#renewDue(nowMs)));
    // Each acquisition adds a listener and removes it at its end, so many listeners are not a memory leak.
    setMaxListeners(Infinity, this.#closing.signal);
  }

  /**
   * A valid cached token, or undefined. Starts a renewal if the token is ageing. Undefined also if the token is about to end and its
   * renewal is in progress: then `get` waits a moment. The method is synchronous, which is faster.
   */
  peek(wanted: TokenWanted): AccessToken | undefined {
    const entry = this.#entries.get(wanted.key);
    if (!entry) return undefined;
    const nowMs = this.#runtime.clock.monotonicMs();
    const age = ageAt(nowMs, entry);
    if (age === 'expired') return undefined;
    entry.used = true;
    if (age === 'ageing') {
      this.#renew(wanted, entry);
      if (!entry.renewalFails && isAboutToEnd(nowMs, entry) && this.#acquisitions.has(wanted.key)) return undefined;
    }
    return entry.token;
  }

  async get(wanted: TokenWanted, signal?: AbortSignal): Promise<AccessToken> {
    signal?.throwIfAborted();
    const token = this.peek(wanted) ?? (await this.#orCount(wanted, signal));
    if (wanted.explicit && token.missingScopes.length > 0) throw notGranted(token, wanted);
    return token;
  }

  async #orCount(wanted: TokenWanted, signal: AbortSignal | undefined): Promise<AccessToken> {
    try {
      return (await this.#renewedInTime(wanted, signal)) ?? (await this.#acquire(wanted, signal));
    } catch (error) {
      if (isCredenceError(error) && !signal?.aborted) this.#refusals.countCall(wanted.key);
      throw error;
    }
  }

  /**
   * For a token that is about to end: waits for its renewal, for half of the time that is left. If the renewal fails or takes longer,
   * the current token is returned, because it is still valid. Undefined if there is no valid token.
   */
  async #renewedInTime(wanted: TokenWanted, signal: AbortSignal | undefined): Promise<AccessToken | undefined> {
    const entry = this.#entries.peek(wanted.key);
    const renewal = this.#acquisitions.get(wanted.key);
    const leftMs = entry ? entry.goodUntilMs - this.#runtime.clock.monotonicMs() : 0;
    if (!entry || !renewal || leftMs <= 0) return undefined;
    try {
      return await waitFor(within(leftMs / 2, renewal), signal);
    } catch {
      signal?.throwIfAborted();
      this.#closing.signal.throwIfAborted();
      entry.renewalFails = true;
      return this.peek(wanted);
    }
  }

  /** Drops this token because the server refused it. Does nothing if the token was already replaced. */
  reject(token: AccessToken, said: ServerRefusal = {}): void {
    const key = AccessToken.keyOf(token);
    const entry = this.#entries.peek(key);
    if (entry?.token.value !== token.value) return;
    this.#entries.delete(key);
    if (this.#store) this.#refused.set(token.hash, true);
    entry.refused?.();
    if (entry.accepted) this.#clocks.refused(token, said.serverTimeMs);
    void this.#deleteFromStore(token);
    this.#runtime.emit({ type: 'rejected', server: token.server, tokenHash: token.hash, ...detailsOf(said) });
    // A token that has been cached for more than 30 s is assumed to have been accepted by the server, even if `accept` was
    // not called.
    const nowMs = this.#runtime.clock.monotonicMs();
    const isNew = nowMs - entry.sinceMs < NEW_MS;
    // A token that has ended in the meantime does not show that the server refuses new tokens.
    if (ageAt(nowMs, entry) === 'expired') return;
    if (entry.accepted || !isNew) this.#refusals.accepted(key);
    else this.#refusals.neverAccepted({ key, server: token.server, explicit: true }, () => tokenRefused(token, said));
  }

  /** Drops the tokens of a user, or of the bot (undefined), of an authorization server, because they may be those of another. */
  dropOf(owner: string | undefined, issuer: string): void {
    for (const { token, owner: other } of this.#entries.values()) {
      if (other !== owner || token.issuer !== issuer) continue;
      this.#entries.delete(AccessToken.keyOf(token));
      if (this.#store) this.#refused.set(token.hash, true);
      void this.#deleteFromStore(token);
    }
  }

  async #deleteFromStore(token: AccessToken): Promise<void> {
    const key = AccessToken.keyOf(token);
    const text = await this.#store?.get(key);
    if (text !== undefined && parseStoredToken(text)?.value === token.value) await this.#store?.delete(key, text);
  }

  /** Records that the server accepted this token. */
  accept(token: AccessToken): void {
    const key = AccessToken.keyOf(token);
    const entry = this.#entries.peek(key);
    if (!entry || entry.accepted || entry.token.value !== token.value) return;
    entry.accepted = true;
    this.#refusals.accepted(key);
  }

  /** The cached tokens that are valid. */
  validTokens(): readonly AccessToken[] {
    const nowMs = this.#runtime.clock.monotonicMs();
    return [...this.#entries.values()].filter((entry) => ageAt(nowMs, entry) !== 'expired').map(({ token }) => token);
  }

  /** What is known about the key. Synchronous, without effects. */
  stateOf(wanted: TokenWanted): KeyState {
    const nowMs = this.#runtime.clock.monotonicMs();
    const entry = this.#entries.peek(wanted.key);
    const refusal = this.#refusals.streakOf(wanted.key);
    const lastFailure = this.#lastFailures.peek(wanted.key);
    const isValid = entry !== undefined && ageAt(nowMs, entry) !== 'expired';
    return {
      token: isValid
        ? {
            ageMs: nowMs - entry.sinceMs,
            expiresInMs: entry.goodUntilMs - nowMs,
            expiresAt: entry.token.expiresAt,
            scopes: entry.token.scopes,
          }
        : undefined,
      acquired: this.#acquired.has(wanted.key),
      failing: refusal !== undefined || (lastFailure !== undefined && !lastFailure.over),
      refusal,
      pausedForMs: Math.max(0, (refusal?.untilMs ?? 0) - nowMs, this.#pauseOfAllMs(refusal, nowMs)),
      lastFailure,
    };
  }

  /** The rest of the pause of the client or of the metadata that the refusal has caused. */
  #pauseOfAllMs(refusal: Refusal | undefined, nowMs: number): number {
    const pause = refusal && pauseOfAll(refusal.error);
    return pause ? pause.untilMs - nowMs : 0;
  }

  /** Lets the next caller send a request, because a person has found that the server issues tokens. */
  async forgetRefusals(wanted: TokenWanted): Promise<void> {
    this.#refusals.forget(wanted);
    if (this.#store) await endSharedRefusal(this.#store, wanted.key);
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** Ends the acquisitions in progress and drops every token. */
  async close(): Promise<void> {
    this.#closing.abort(closed());
    await Promise.all(this.#running);
    await Promise.allSettled(this.#acquisitions.values());
    this.#entries.clear();
    this.#renewals.stop();
  }

  async #acquire(wanted: TokenWanted, signal: AbortSignal | undefined): Promise<AccessToken> {
    const refusal = this.#refusals.of(wanted);
    if (refusal) {
      const token = await this.#acquiredElsewhere(wanted, refusal);
      if (token) return token;
      throw refusal.error;
    }
    const acquisition = this.#acquisitions.get(wanted.key);
    if (acquisition) this.#runtime.emit({ type: 'joined', server: wanted.server });
    try {
      const token = await waitFor(acquisition ?? this.#startAcquisition(wanted, 'acquired'), signal);
      if (acquisition) await wanted.checkCaller?.(signal);
      return token;
    } catch (error) {
      if (error !== RENEWED_ELSEWHERE) throw error;
      // The caller waited for a renewal that another process runs, and the token has expired during the wait.
      return this.get(wanted, signal);
    }
  }

  /** While this process is refused, another may have got the token. The store is asked at most once a second for each key. */
  async #acquiredElsewhere(wanted: TokenWanted, { error }: Refusal): Promise<AccessToken | undefined> {
    const nowMs = this.#runtime.clock.monotonicMs();
    const askedMs = this.#storeAskedAt.get(wanted.key)?.ms ?? -Infinity;
    if (!this.#store || error.leg === 'call' || nowMs - askedMs < STORE_PAUSE_MS) return undefined;
    this.#storeAskedAt.set(wanted.key, { ms: nowMs });
    const token = await this.#takeFromStore(this.#store, wanted, 'acquired', this.#closing.signal);
    if (token) this.#refusals.acquired(wanted);
    return token;
  }

  #renew(wanted: TokenWanted, entry: Entry): void {
    if (this.#acquisitions.has(wanted.key) || this.#closing.signal.aborted) return;
    this.#startAcquisition(wanted, 'renewed').catch((error: unknown) => {
      // Either an event has reported the error, or another process is renewing the token. The next renewal starts after a
      // pause; a call before that does not start one.
      entry.renewalFails = true;
      const nowMs = this.#runtime.clock.monotonicMs();
      const pauseMs = Math.min(RENEWAL_PAUSE_MS, (entry.goodUntilMs - nowMs) / 4);
      const refusedUntilMs = isCredenceError(error) ? (this.#refusals.of(wanted)?.untilMs ?? 0) : 0;
      entry.renewAtMs = Math.max(nowMs + Math.max(pauseMs, SHORTEST_RENEWAL_PAUSE_MS), refusedUntilMs);
      if (entry.lasting && this.#entries.peek(wanted.key) === entry) this.#renewals.remind(entry.renewAtMs);
    });
  }

  /** Renews the used tokens that are ageing, so that a caller that rarely requests a token does not have to wait. */
  #renewDue(nowMs: number): { nextMs: number; checked: number } {
    let nextMs = Infinity;
    for (const entry of this.#entries.values()) {
      if (!entry.used || !entry.lasting) continue;
      const age = ageAt(nowMs, entry);
      if (age === 'ageing') this.#renew(entry.lasting, entry);
      else if (age === 'fresh') nextMs = Math.min(nextMs, entry.renewAtMs);
    }
    return { nextMs, checked: this.#entries.size };
  }

  #startAcquisition(wanted: TokenWanted, outcome: Outcome): Promise<AccessToken> {
    const run = () => this.#runAcquisition(wanted, outcome);
    const acquisition = (this.#runtime.observed ? runAsAcquisition(run) : run()).finally(() =>
      this.#acquisitions.delete(wanted.key),
    );
    this.#acquisitions.set(wanted.key, acquisition);
    return acquisition;
  }

  async #runAcquisition(wanted: TokenWanted, outcome: Outcome): Promise<AccessToken> {
    const startedMs = this.#runtime.clock.monotonicMs();
    const tookMs = () => this.#runtime.clock.monotonicMs() - startedMs;
    try {
      const limits = { server: wanted.server, totalMs: this.#runtime.timeout.totalMs, closing: this.#closing.signal };
      const { server, limitedBy = server } = wanted;
      const max = this.#runtime.limits.concurrentAcquisitions;
      // The time limit starts after the wait for other acquisitions.
      const acquisition = withAcquisitionLimit({ server, issuer: limitedBy, max }, () =>
        this.#untilClosed(
          withDeadline(limits, (signal) =>
            this.#store
              ? this.#acquireThroughStore(this.#store, wanted, outcome, signal, tookMs)
              : this.#requestToken(wanted, outcome, signal, tookMs),
          ),
        ),
      );
      // An acquisition that waits for others ends at once when the principal is closed.
      return await waitFor(acquisition, this.#closing.signal);
    } catch (error) {
      if (error === RENEWED_ELSEWHERE) throw error;
      const failure = isCredenceError(error)
        ? this.#namedErrors.for(error, wanted.server)
        : unexpected(wanted.server, error);
      // The end of the principal is no failure.
      if (failure.code === 'closed') throw failure;
      this.#remember(wanted, outcome, failure);
      this.#lastFailures.set(wanted.key, { error: failure, atMs: this.#runtime.clock.wallMs(), over: false });
      const since = this.#refusals.toReport(wanted.key, failure);
      if (since) {
        this.#runtime.emit({
          type: outcome === 'acquired' ? 'refused' : 'renewal-failed',
          server: wanted.server,
          ...failureMembers(failure),
          ...since,
          durationMs: tookMs(),
        });
      }
      throw failure;
    }
  }

  /** `close` waits for the end of this work, in which a lease is released. */
  async #untilClosed<T>(work: Promise<T>): Promise<T> {
    const ended = work.then(
      () => undefined,
      () => undefined,
    );
    this.#running.add(ended);
    try {
      return await work;
    } finally {
      this.#running.delete(ended);
    }
  }

  /** A renewal that fails because a peer is away is not remembered, so that a caller whose token has just expired asks again. */
  #remember(wanted: TokenWanted, outcome: Outcome, failure: CredenceError): void {
    const isRefusal = retryAfterMs(failure) !== undefined || onlyAPersonEnds(failure);
    if (outcome === 'renewed' && !isRefusal) return;
    this.#refusals.remember(wanted, failure, this.#sharedRefusals.get(failure));
  }

  /**
   * Returns the token that another process has stored, or requests one under a lease. While another process holds the lease, a
   * caller waits for the token or the refusal of that process. A renewal ends, because that process renews the token.
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
      const token = await this.#takeFromStore(store, wanted, outcome, signal);
      const { clock } = this.#runtime;
      const refused = token ? undefined : await recentRefusal(store, { ...wanted, clock }, hasWaited);
      if (!refused) return token;
      this.#sharedRefusals.set(refused.error, refused.shared);
      // The process that sent the request has reported it.
      this.#refusals.reportedElsewhere(refused.error);
      throw refused.error;
    };
    const requestForAll = async () => {
      try {
        return await this.#requestToken(wanted, outcome, signal, tookMs);
      } catch (thrown) {
        if (!isCredenceError(thrown) || thrown.code === 'closed') throw thrown;
        const error = this.#namedErrors.for(thrown, wanted.server);
        this.#remember(wanted, outcome, error);
        const refusal = this.#refusals.streakOf(wanted.key);
        await shareRefusal(store, wanted.key, error, { refusal, clock: this.#runtime.clock });
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
    await this.#endRefusals(wanted);
    this.#runtime.emit({
      type: outcome,
      server: wanted.server,
      issuer: token.issuer,
      resource: token.resource,
      scopes: token.scopes,
      ...(token.missingScopes.length > 0 && { missingScopes: token.missingScopes }),
      ...(token.withheldScopes.length > 0 && { withheldScopes: token.withheldScopes }),
      expiresInSeconds: Math.round(grant.expiresInSeconds ?? ASSUMED_LIFETIME_SECONDS),
      durationMs: tookMs(),
      tokenHash: token.hash,
      ...(grant.subject !== undefined && { subject: grant.subject }),
      ...(grant.actor !== undefined && { actor: grant.actor }),
    });
    return token;
  }

  async #endRefusals(wanted: TokenWanted): Promise<void> {
    const wasRefused = this.#refusals.streakOf(wanted.key) !== undefined;
    this.#refusals.acquired(wanted);
    if (wasRefused && this.#store) await endSharedRefusal(this.#store, wanted.key);
  }

  /** A token that another process has stored and that is valid for longer than the one in this process, or undefined. */
  async #takeFromStore(
    store: SharedStore,
    wanted: TokenWanted,
    outcome: Outcome,
    signal: AbortSignal,
  ): Promise<AccessToken | undefined> {
    const text = await store.get(wanted.key);
    const stored = text === undefined ? undefined : parseStoredToken(text);
    if (!stored || this.#refused.has(tokenHash(stored.value))) return undefined;
    // Another process may have accepted more scopes than this one accepts.
    if (wanted.ceiling && scopesBeyond(stored.scopes, wanted.ceiling).length > 0) return undefined;
    const current = this.#entries.peek(wanted.key);
    if (current?.token.value === stored.value) return undefined;
    const nowMs = this.#runtime.clock.monotonicMs();
    const agedMs = Math.max(0, this.#runtime.clock.wallMs() - stored.issuedAtMs);
    const lifetimeMs = this.#clocks.usefulLifetimeMs(wanted.server, stored.expiresAtMs - stored.issuedAtMs);
    const ages = agesOf(nowMs - agedMs, lifetimeMs, Math.random(), 'after');
    if (ageAt(nowMs, ages) === 'expired' || (current && ages.goodUntilMs <= current.goodUntilMs)) return undefined;
    await wanted.checkSubject?.(signal);
    const token = tokenOf(stored, wanted);
    store.holderFinished(wanted.key);
    this.#addEntry(wanted, outcome, { token, ...ages, refused: undefined });
    this.#runtime.emit({ type: 'shared', server: wanted.server, tokenHash: token.hash });
    return token;
  }

  async #storeGrant(wanted: TokenWanted, grant: Grant, outcome: Outcome): Promise<AccessToken> {
    const lifetimeMs = (grant.expiresInSeconds ?? ASSUMED_LIFETIME_SECONDS) * 1000;
    const issuedAtMs = this.#runtime.clock.wallMs();
    // Without configured scopes, the scopes of the ID-JAG are requested from the authorization server.
    const requested = wanted.scopes ?? grant.offeredScopes ?? [];
    const missingScopes = grant.scopesStated ? scopesMissing(requested, grant.scopes) : [];
    const stored: StoredToken = {
      value: grant.accessToken,
      type: grant.type,
      issuedAtMs,
      expiresAtMs: issuedAtMs + lifetimeMs,
      scopes: grant.scopes,
      missingScopes,
      withheldScopes: missingScopes.filter((scope) => grant.offeredScopes?.includes(scope)),
      issuer: grant.issuer,
      resource: grant.resource,
    };
    const token = tokenOf(stored, wanted);
    this.#clocks.issued(grant.issuer, grant.peerTimeMs);
    const usefulMs = this.#clocks.usefulLifetimeMs(wanted.server, lifetimeMs);
    const ages = agesOf(this.#runtime.clock.monotonicMs(), usefulMs, Math.random());
    if (lifetimeMs > 0) {
      this.#addEntry(wanted, outcome, { token, ...ages, refused: grant.refused });
      // The token is stored before the lease is released, so that the next process finds it.
      await this.#store?.set(wanted.key, serialiseToken(stored), lifetimeMs);
    }
    return token;
  }

  #addEntry(wanted: TokenWanted, outcome: Outcome, cached: Pick<Entry, 'token' | 'refused' | keyof Ages>): void {
    if (this.#closing.signal.aborted) return;
    const sinceMs = this.#runtime.clock.monotonicMs();
    const lasting = wanted.lasting ? wanted : undefined;
    const entry: Entry = {
      ...cached,
      sinceMs,
      accepted: false,
      used: outcome === 'acquired',
      renewalFails: false,
      lasting,
      owner: wanted.owner,
    };
    this.#entries.set(wanted.key, entry);
    this.#acquired.set(wanted.key, true);
    const lastFailure = this.#lastFailures.peek(wanted.key);
    if (lastFailure) lastFailure.over = true;
    if (lasting) this.#renewals.remind(entry.renewAtMs);
  }
}

/** One list for all tokens without missing scopes, to save memory if there are many tokens. */
const NONE_MISSING: readonly string[] = Object.freeze([]);

function tokenOf(stored: StoredToken, { server, key }: TokenWanted): AccessToken {
  const missingScopes = stored.missingScopes.length > 0 ? stored.missingScopes : NONE_MISSING;
  const withheldScopes = stored.withheldScopes.length > 0 ? stored.withheldScopes : NONE_MISSING;
  return new AccessToken({
    ...stored,
    missingScopes,
    withheldScopes,
    issuedAt: new Date(stored.issuedAtMs),
    expiresAt: new Date(stored.expiresAtMs),
    server,
    key,
  });
}

function detailsOf({ status, error, peerText, errorDescription }: ServerRefusal): PeerDetails {
  return { status, error, peerText: peerText ?? errorDescription };
}
