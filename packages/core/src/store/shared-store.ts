import { within } from '@credence/protocol';
import { isCredenceError } from '../errors/credence-error.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Lease, TokenStore } from './token-store.ts';

const TIMEOUT_MS = 1_000;
/** Until the store answers for the first time, for it may have to be connected to while a whole fleet starts. */
const FIRST_TIMEOUT_MS = 3_000;
const LEASE_MS = 5_000;
/** Who has not got what it has the lease for by then lets another copy try: it may be the only one that cannot. */
const LONGEST_LEASE_MS = 15_000;
/** How long a store that failed is left alone, so that a dead one does not cost every call its patience. */
const PAUSE_AFTER_FAILURE_MS = 2_000;

/**
 * A store that may fail: nobody fails by it or waits long for it, and its going and coming is said once. While it does not
 * answer, this process has every lease, that is, it goes on by itself.
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

  /** Written when it resolves, or given up. */
  async set(key: string, value: string, ttlMs: number): Promise<void> {
    if (ttlMs > 0) await this.#tryOperation(() => this.#store.set(key, value, Math.ceil(ttlMs)), undefined);
  }

  async delete(key: string, value: string): Promise<void> {
    await this.#tryOperation(() => this.#store.delete(key, value), undefined);
  }

  /** Whether subject tokens are kept there too. */
  get keepsSubjectTokens(): boolean {
    return this.#store.keepsSubjectTokens ?? false;
  }

  /** Runs `work` if this process gets the lease, and keeps it while that takes, within bounds; else gives `taken`. */
  async leased<T, U>(key: string, work: () => Promise<T>, taken: U): Promise<T | U> {
    const alone: Lease = { extend: async () => true, release: async () => {} };
    const lease = await this.#tryOperation(() => this.#store.lease(key, LEASE_MS), alone);
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

  async #tryOperation<T, U>(operation: () => Promise<T>, otherwise: U): Promise<T | U> {
    if (this.#runtime.clock.monotonicMs() < this.#pausedUntilMs) return otherwise;
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
        this.#warn(true, 'The token store does not answer; this process goes on by itself.', remedy);
      }
      return otherwise;
    }
  }

  #warn(failing: boolean, message: string, remedy: string): void {
    this.#failing = failing;
    this.#runtime.emit({ type: 'warning', leg: 'configure', message, remedy });
  }
}
