import { within } from '@credence/protocol';
import { isCredenceError } from '../errors/credence-error.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Lease, TokenStore } from './token-store.ts';

const TIMEOUT_MS = 1_000;
/** The timeout until the first answer of the store, because the first request may have to wait for the connection. */
const FIRST_TIMEOUT_MS = 3_000;
const LEASE_MS = 5_000;
/** After this time the lease is not extended, so that another process can try: the holder may be the only one that fails. */
const LONGEST_LEASE_MS = 15_000;
/** No request is sent to the store for this time after it failed, so that not every call waits for the timeout. */
const PAUSE_AFTER_FAILURE_MS = 2_000;

/**
 * A wrapper of a {@link TokenStore} that never throws and waits a limited time. When the store starts to fail and when it answers
 * again, one warning is emitted. While it fails, reads return undefined and every lease is granted: the process works without it.
 */
export class SharedStore {
  readonly #runtime: Runtime;
  readonly #store: TokenStore;
  #failing = false;
  #hasAnswered = false;
  #pausedUntilMs = 0;

  constructor(runtime: Runtime, store: TokenStore) {
    this.#runtime = runtime;
    this.#store = store;
  }

  async get(key: string): Promise<string | undefined> {
    return this.#tryOperation(() => this.#store.get(key), undefined);
  }

  /** Resolves when the value is written or the write has failed. */
  async set(key: string, value: string, ttlMs: number): Promise<void> {
    if (ttlMs > 0) await this.#tryOperation(() => this.#store.set(key, value, Math.ceil(ttlMs)), undefined);
  }

  async delete(key: string, value: string): Promise<void> {
    await this.#tryOperation(() => this.#store.delete(key, value), undefined);
  }

  /** Whether subject tokens are also stored. */
  get keepsSubjectTokens(): boolean {
    return this.#store.keepsSubjectTokens ?? false;
  }

  /**
   * Runs `work` if this process gets the lease, and extends the lease while `work` runs, for a limited time. Else
   * returns `taken`.
   */
  async leased<T, U>(key: string, work: () => Promise<T>, taken: U): Promise<T | U> {
    const withoutStore: Lease = { extend: async () => true, release: async () => {} };
    const lease = await this.#tryOperation(() => this.#store.lease(key, LEASE_MS), withoutStore);
    if (!lease) return taken;
    const untilMs = this.#runtime.clock.monotonicMs() + LONGEST_LEASE_MS - LEASE_MS;
    const timer = setInterval(() => {
      if (this.#runtime.clock.monotonicMs() < untilMs) lease.extend(LEASE_MS).catch(() => undefined);
    }, LEASE_MS / 3);
    try {
      return await work();
    } finally {
      clearInterval(timer);
      await this.#tryOperation(() => lease.release(), undefined);
    }
  }

  async #tryOperation<T, U>(operation: () => Promise<T>, fallback: U): Promise<T | U> {
    if (this.#runtime.clock.monotonicMs() < this.#pausedUntilMs) return fallback;
    const timeoutMs = this.#hasAnswered || this.#failing ? TIMEOUT_MS : FIRST_TIMEOUT_MS;
    try {
      const value = await within(timeoutMs, operation());
      this.#hasAnswered = true;
      if (this.#failing) this.#warn(false, 'The token store answers again.', 'Nothing to do.');
      return value;
    } catch (error) {
      this.#pausedUntilMs = this.#runtime.clock.monotonicMs() + PAUSE_AFTER_FAILURE_MS;
      if (!this.#failing) {
        const remedy = isCredenceError(error) ? `${error.message} ${error.remedy}` : 'Check the store.';
        this.#warn(true, 'The token store does not answer; this process continues without it.', remedy);
      }
      return fallback;
    }
  }

  #warn(failing: boolean, message: string, remedy: string): void {
    this.#failing = failing;
    this.#runtime.emit({ type: 'warning', leg: 'configure', message, remedy });
  }
}
