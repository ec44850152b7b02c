import { type LruCache, lruCache } from '@credence/protocol';
import { onlyAPersonEnds, pauseOfAll } from '../backoff/backs-off.ts';
import { LONGEST_PAUSE_MS, pauseAfterRefusals, retryAfterMs } from '../backoff/pause.ts';
import type { CredenceError } from '../errors/credence-error.ts';
import { originalOf } from '../errors/same-failure.ts';
import type { Clock } from '../time/clock.ts';

const REMEMBERED_MS = 1_000;
const MAX_KEYS = 1_000;

/** The failures in a row for one key. */
export interface Refusal {
  readonly error: CredenceError;
  /** How many acquisitions in a row were refused for a reason that only a person can end. */
  readonly refusals: number;
  /** When the first of the failures happened, in milliseconds since the epoch. */
  readonly sinceMs: number;
  /** Until this time the error is thrown again without a request, in milliseconds of the monotonic clock. */
  readonly untilMs: number;
  /** How many callers got an error since then. */
  readonly calls: number;
}

interface Remembered extends Refusal {
  calls: number;
  /** Whether no failure came before this one. */
  readonly isFirst: boolean;
}

/** The errors that an event has reported. One request can fail for many servers, and is reported once. */
const reported = new WeakSet<CredenceError>();

/** What to know about a refusal that another process of the bot has stored. */
export type SharedRefusal = Pick<Refusal, 'refusals' | 'sinceMs'> & { readonly pausedForMs: number };

/** The key, and whether the caller asked for scopes of its own. */
interface Wanted {
  readonly key: string;
  readonly server: string;
  readonly explicit: boolean;
  readonly owner?: string | undefined;
}

/**
 * The failures of acquisitions, which are thrown again to later callers without a new request: for a second, or for the time in
 * `Retry-After`. After a refusal that only a person can end, the time grows to minutes. The same is true for new tokens that an MCP
 * server refuses one after another. A success ends it.
 */
export class Refusals {
  readonly #clock: Clock;
  readonly #remembered: LruCache<Remembered> = lruCache<Remembered>(MAX_KEYS);
  /** By server, the key without scopes of its own if the server as a whole is refused. */
  readonly #refusedServers = lruCache<string>(MAX_KEYS);
  /** By key: the number of tokens in a row that the server refused and had never accepted. */
  readonly #streaks = lruCache<{ length: number }>(MAX_KEYS);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The failure that is thrown instead of a new request. Undefined if a request may be sent. */
  of(wanted: Wanted): Refusal | undefined {
    const { key, explicit } = wanted;
    const serverKey = explicit ? this.#refusedServers.get(serverFor(wanted)) : undefined;
    return this.#paused(key) ?? (serverKey === undefined ? undefined : this.#paused(serverKey));
  }

  /** The failures in a row, also if a request may be sent. */
  streakOf(key: string): Refusal | undefined {
    return this.#remembered.peek(key);
  }

  /** Remembers a failed acquisition. `shared`: what another process has stored about it. */
  remember(wanted: Wanted, error: CredenceError, shared?: SharedRefusal): void {
    const { key, explicit } = wanted;
    const last = this.#remembered.get(key);
    const nowMs = this.#clock.monotonicMs();
    const isRepeated = last?.error === error;
    // The pause of the client or of the metadata ends for all servers at the same time, so this one does not grow.
    const isGrowing = onlyAPersonEnds(error) && !isRepeated && !pauseOfAll(error);
    const refusals = shared?.refusals ?? (last?.refusals ?? 0) + (isGrowing ? 1 : 0);
    const ownPauseMs = isGrowing ? pauseAfterRefusals(refusals, Math.random()) : REMEMBERED_MS;
    const pauseMs = Math.min(shared?.pausedForMs ?? Math.max(ownPauseMs, retryAfterMs(error) ?? 0), LONGEST_PAUSE_MS);
    this.#remembered.set(key, {
      error,
      refusals,
      sinceMs: Math.min(last?.sinceMs ?? Infinity, shared?.sinceMs ?? this.#clock.wallMs()),
      untilMs: isRepeated && last.untilMs > nowMs ? last.untilMs : nowMs + pauseMs,
      calls: last?.calls ?? 0,
      isFirst: last === undefined || (isRepeated && last.isFirst),
    });
    if (!explicit && concernsServer(error)) this.#refusedServers.set(serverFor(wanted), key);
  }

  /**
   * What to report about a failure: undefined if no request was sent for it, because an earlier failure is repeated or is that of
   * a request for several servers, and it was reported before. For a failure that follows others: since when, and how many calls
   * have failed since then.
   */
  toReport(key: string, error: CredenceError): { refusedSinceMs?: number; failedCalls?: number } | undefined {
    const original = originalOf(error);
    if (reported.has(original)) return undefined;
    reported.add(original);
    const remembered = this.#remembered.peek(key);
    if (remembered?.error !== error || remembered.isFirst) return {};
    return { refusedSinceMs: remembered.sinceMs, failedCalls: remembered.calls };
  }

  /** Records that another process has reported the failure. */
  reportedElsewhere(error: CredenceError): void {
    reported.add(originalOf(error));
  }

  /** Counts a caller that got an error. */
  countCall(key: string): void {
    const refusal = this.#remembered.peek(key);
    if (refusal) refusal.calls += 1;
  }

  /** Counts a token that the server refused and had never accepted. From the second in a row on, acquisitions pause. */
  neverAccepted(wanted: Wanted, error: () => CredenceError): void {
    const length = (this.#streaks.get(wanted.key)?.length ?? 0) + 1;
    this.#streaks.set(wanted.key, { length });
    if (length < 2) return;
    const pausedForMs = pauseAfterRefusals(length - 1, Math.random());
    this.remember(wanted, error(), { refusals: length - 1, sinceMs: this.#clock.wallMs(), pausedForMs });
  }

  /** Records that the server accepted a token. */
  accepted(key: string): void {
    this.#streaks.delete(key);
    if (this.#remembered.peek(key)?.error.leg === 'call') this.#remembered.delete(key);
  }

  /** Records that a token was acquired. */
  acquired(wanted: Wanted): void {
    const { key, explicit } = wanted;
    // Of tokens that the server refuses, each was acquired. Only `accepted` ends that.
    if (this.#remembered.peek(key)?.error.leg !== 'call') this.#remembered.delete(key);
    if (!explicit) this.#refusedServers.delete(serverFor(wanted));
  }

  /** Lets the next caller send a request, because a person has found that the server works. */
  forget(wanted: Wanted): void {
    this.accepted(wanted.key);
    this.acquired(wanted);
  }

  #paused(key: string): Refusal | undefined {
    const remembered = this.#remembered.get(key);
    const nowMs = this.#clock.monotonicMs();
    if (!remembered || remembered.untilMs <= nowMs) return undefined;
    // A success for another server, or a diagnosis, ends the pause of all at once.
    const ofAll = pauseOfAll(remembered.error);
    return ofAll && ofAll.untilMs <= nowMs ? undefined : remembered;
  }
}

/** The server, as one user or the bot itself sees it. */
function serverFor({ server, owner }: Wanted): string {
  return owner === undefined ? server : `${server} ${owner}`;
}

/** Whether a refusal for the configured scopes is also one for any other scopes of the server. */
function concernsServer({ code }: CredenceError): boolean {
  return code === 'access_denied' || code === 'invalid_target';
}
