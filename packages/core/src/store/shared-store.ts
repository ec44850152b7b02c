import { isError, within } from '@credence/protocol';
import { isCredenceError } from '../errors/credence-error.ts';
import type { WarningEvent } from '../runtime/events.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { LeaseWatch } from './lease-watch.ts';
import type { Lease, StoreWarning, TokenStore } from './token-store.ts';

const TIMEOUT_MS = 1_000;
/** The timeout until the first answer of the store, because the first request may have to wait for the connection. */
const FIRST_TIMEOUT_MS = 3_000;
const LEASE_MS = 5_000;
/** After this time the lease is not extended, so that another process can try: the holder may be the only one that fails. */
const LONGEST_LEASE_MS = 15_000;
/** No request is sent to the store for this time after it failed, so that not every call waits for the timeout. */
const PAUSE_AFTER_FAILURE_MS = 2_000;
/** A store is not used for a while if several methods in a row took so long: an acquisition calls about ten. */
const SLOW_MS = 300;
const SLOW_IN_A_ROW = 3;
/** A failure of one method is forgotten after this time if the others work. */
const REFUSAL_REMEMBERED_MS = 60_000;
const SILENCE_REMEMBERED_MS = 10_000;
/** The length of a value, in characters. No token is so long. */
const MAX_VALUE_LENGTH = 512 * 1024;

type Method = 'get' | 'set' | 'delete' | 'lease' | 'release';
type Problem = Pick<WarningEvent, 'code' | 'message' | 'remedy'>;

/** The state of the store, as this process sees it. */
export interface StoreState {
  /** Whether the last requests to the store succeeded. */
  readonly up: boolean;
  /** When the store failed for the first time since it last worked, by the wall clock of this machine. */
  readonly downSince?: Date | undefined;
  /** Why the store is not up, in one sentence. */
  readonly message?: string | undefined;
  /** What to do, in one sentence. */
  readonly remedy?: string | undefined;
}

/**
 * A wrapper of a {@link TokenStore} that never throws and waits a limited time. When the store starts to fail and when it answers
 * again, one warning is emitted. While it fails, reads return undefined and every lease is granted: the process works without it. A
 * store whose reads work while its writes fail is still read.
 */
export class SharedStore {
  readonly #runtime: Runtime;
  readonly #store: TokenStore;
  readonly #leases: LeaseWatch;
  readonly #endWarnings: () => void;
  readonly #warnings: StoreWarning[] = [];
  /** The methods that failed and have not succeeded since. `silent`: there was no answer at all. */
  readonly #failures = new Map<Method, { atMs: number; silent: boolean }>();
  readonly #pausedUntilMs = new Map<Method, number>();
  #problem: (Problem & { sinceMs: number }) | undefined;
  #hasAnswered = false;
  #slowInARow = 0;

  constructor(runtime: Runtime, store: TokenStore) {
    this.#runtime = runtime;
    this.#store = store;
    this.#leases = new LeaseWatch(runtime.clock, Math.min(LONGEST_LEASE_MS, runtime.timeout.totalMs / 2));
    this.#endWarnings = this.#listenToWarnings();
  }

  async get(key: string): Promise<string | undefined> {
    return this.#tryMethod(
      'get',
      async () => {
        const value: unknown = await this.#store.get(key);
        if (value === undefined || value === null) return undefined;
        if (typeof value !== 'string') throw new Error('get returned a value that is not a string');
        if (value.length <= MAX_VALUE_LENGTH) return value;
        this.#warnOfValue(TOO_LONG);
        return undefined;
      },
      undefined,
    );
  }

  /** Resolves when the value is written or the write has failed. */
  async set(key: string, value: string, ttlMs: number): Promise<void> {
    if (ttlMs > 0) await this.#tryMethod('set', () => this.#store.set(key, value, Math.ceil(ttlMs)), undefined);
  }

  async delete(key: string, value: string): Promise<void> {
    await this.#tryMethod('delete', () => this.#store.delete(key, value), undefined);
  }

  /** Whether subject tokens are also stored. */
  get keepsSubjectTokens(): boolean {
    return this.#store.keepsSubjectTokens ?? false;
  }

  get state(): StoreState {
    if (!this.#problem) return { up: true };
    const { sinceMs, message, remedy } = this.#problem;
    return { up: false, downSince: new Date(sinceMs), message, remedy };
  }

  /** Asks the store for a value and a lease, also while it is not used because it failed. Returns its problems. */
  async check(): Promise<readonly Problem[]> {
    this.#pausedUntilMs.clear();
    await this.get('check');
    await this.leased('check', async () => undefined, undefined);
    return [...(this.#problem ? [this.#problem] : []), ...this.#warnings].map(({ code, message, remedy }) => ({
      code,
      message,
      remedy,
    }));
  }

  /** Ends the warnings of the store. The store itself belongs to the caller. */
  close(): void {
    this.#endWarnings();
  }

  /**
   * Runs `work` if this process gets the lease, and extends the lease while `work` runs, for a limited time. Else
   * returns `taken`. If the lease stays taken for longer than any holder keeps it, without a result of the holder, `work` runs without it.
   */
  async leased<T, U>(key: string, work: () => Promise<T>, taken: U): Promise<T | U> {
    const lease = await this.#tryMethod('lease', () => this.#takeLease(key), NO_LEASE);
    if (!lease) {
      const ignored = this.#leases.taken(key);
      if (ignored === 'no') return taken;
      if (ignored === 'first') this.#emit(LEASE_IGNORED);
      return work();
    }
    this.#leases.free(key);
    const untilMs = this.#runtime.clock.monotonicMs() + LONGEST_LEASE_MS - LEASE_MS;
    const timer = setInterval(() => {
      if (this.#runtime.clock.monotonicMs() < untilMs) void this.#extend(lease);
    }, LEASE_MS / 3);
    try {
      return await work();
    } finally {
      clearInterval(timer);
      if (lease !== NO_LEASE) await this.#tryMethod('release', () => lease.release(), undefined);
    }
  }

  /** Records that another process has stored the result for which it held the lease. */
  holderFinished(key: string): void {
    this.#leases.free(key);
  }

  async #takeLease(key: string): Promise<Lease | undefined> {
    const lease: unknown = await this.#store.lease(key, LEASE_MS);
    if (lease === undefined || lease === null) return undefined;
    if (!isLease(lease)) throw new Error('lease returned a value that is not a lease');
    return lease;
  }

  async #extend(lease: Lease): Promise<void> {
    try {
      await lease.extend(LEASE_MS);
    } catch {
      // The lease expires earlier, and two processes may send the same request.
    }
  }

  async #tryMethod<T, U>(method: Method, call: () => Promise<T>, fallback: U): Promise<T | U> {
    const { clock } = this.#runtime;
    const startedMs = clock.monotonicMs();
    if (startedMs < (this.#pausedUntilMs.get(method) ?? 0)) return fallback;
    const timeoutMs = this.#hasAnswered || this.#problem ? TIMEOUT_MS : FIRST_TIMEOUT_MS;
    try {
      const value = await within(timeoutMs, call());
      if (!this.#hasAnswered || clock.monotonicMs() - startedMs < SLOW_MS) this.#slowInARow = 0;
      else this.#slowInARow += 1;
      this.#hasAnswered = true;
      if (this.#slowInARow < SLOW_IN_A_ROW) this.#succeeded(method);
      else this.#failed(method, { silent: true, why: 'It answers too slowly.' });
      return value;
    } catch (error) {
      const silent = !isCredenceError(error) ? isTimeout(error) : error.code === 'unreachable';
      const why = isCredenceError(error) ? `${error.message} ${error.remedy}` : `Check the store: ${method} failed.`;
      this.#failed(method, { silent, why });
      return fallback;
    }
  }

  #failed(method: Method, { silent, why }: { silent: boolean; why: string }): void {
    const nowMs = this.#runtime.clock.monotonicMs();
    this.#failures.set(method, { atMs: nowMs, silent });
    // A store that does not answer at all does not answer other methods either.
    for (const paused of silent ? METHODS : [method]) this.#pausedUntilMs.set(paused, nowMs + PAUSE_AFTER_FAILURE_MS);
    if (this.#problem) return;
    const message = `The token store ${silent ? 'does not answer' : 'fails'}; this process continues without it.`;
    this.#problem = { code: 'store_unavailable', message, remedy: why, sinceMs: this.#runtime.clock.wallMs() };
    this.#emit(this.#problem);
  }

  #succeeded(method: Method): void {
    if (this.#failures.size === 0) return;
    const nowMs = this.#runtime.clock.monotonicMs();
    for (const [other, { atMs, silent }] of this.#failures) {
      const isOld = nowMs - atMs >= (silent ? SILENCE_REMEMBERED_MS : REFUSAL_REMEMBERED_MS);
      if (other === method || isOld) this.#failures.delete(other);
    }
    if (this.#failures.size > 0) return;
    this.#problem = undefined;
    this.#emit(WORKS_AGAIN);
  }

  #listenToWarnings(): () => void {
    try {
      const end: unknown = this.#store.onWarning?.((warning) => this.#warnOfValue(warning));
      return typeof end === 'function' ? () => void end() : () => undefined;
    } catch {
      return () => undefined;
    }
  }

  /** Emits a warning of each kind once. */
  #warnOfValue(warning: StoreWarning): void {
    if (this.#warnings.some(({ code }) => code === warning.code)) return;
    this.#warnings.push(warning);
    this.#emit(warning);
  }

  #emit({ code, message, remedy }: Problem): void {
    this.#runtime.emit({ type: 'warning', code, leg: 'configure', message, remedy });
  }
}

const METHODS: readonly Method[] = ['get', 'set', 'delete', 'lease', 'release'];

/** Stands for the lease of a store that does not work. */
const NO_LEASE: Lease = { extend: async () => true, release: async () => {} };

const WORKS_AGAIN: Problem = {
  code: 'store_available',
  message: 'The token store answers again.',
  remedy: 'Nothing to do.',
};

const LEASE_IGNORED: Problem = {
  code: 'store_lease_ignored',
  message: 'A lease in the token store is held for longer than any process keeps it; this process ignores it.',
  remedy: 'Delete the lease in the store, and find out what wrote it: a lease has an expiry of seconds.',
};

const TOO_LONG: StoreWarning = {
  code: 'store_damaged_value',
  message: 'A value in the token store is longer than any token; it counts as absent.',
  remedy: 'Find out what else writes to the store.',
};

function isLease(value: unknown): value is Lease {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Partial<Lease>).extend === 'function' &&
    typeof (value as Partial<Lease>).release === 'function'
  );
}

function isTimeout(error: unknown): boolean {
  return isError(error) && error.name === 'TimeoutError';
}
