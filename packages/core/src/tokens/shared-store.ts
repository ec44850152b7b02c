import type { Runtime } from '../runtime.ts';
import type { StoredToken, TokenStore } from './token-store.ts';

/** A store that may fail: nobody waits for its writes, nobody fails by it, and its going and coming is said once. */
export class SharedStore {
  readonly #runtime: Runtime;
  readonly #store: TokenStore;
  #failing = false;

  constructor(runtime: Runtime, store: TokenStore) {
    this.#runtime = runtime;
    this.#store = store;
  }

  async get(key: string): Promise<StoredToken | undefined> {
    return this.#trying(() => this.#store.get(key));
  }

  set(key: string, token: StoredToken): void {
    void this.#trying(() => this.#store.set(key, token));
  }

  delete(key: string, value: string): void {
    void this.#trying(() => this.#store.delete(key, value));
  }

  async #trying<T>(operation: () => Promise<T>): Promise<T | undefined> {
    try {
      const value = await operation();
      if (this.#failing) this.#say(false, 'The token store answers again.', 'Nothing to do.');
      return value;
    } catch {
      if (!this.#failing)
        this.#say(true, 'The token store does not answer; this process goes on by itself.', 'Check the store.');
      return undefined;
    }
  }

  #say(failing: boolean, message: string, remedy: string): void {
    this.#failing = failing;
    this.#runtime.emit({ type: 'warning', leg: 'configure', message, remedy });
  }
}
