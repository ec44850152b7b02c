import type { Keepable, Kept } from '../cache/kept.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { SharedStore } from '../store/shared-store.ts';
import { parseStoredIdJag, serialiseIdJag } from './stored-id-jag.ts';
import type { IdJag } from './exchange.ts';

const SPARE_MS = 10_000;

/** An ID-JAG that is kept to be redeemed again. */
export interface ShelvedIdJag {
  readonly assertion: string;
  readonly scopes: readonly string[] | undefined;
  /** As it lies in the store, where there is one. */
  readonly stored: string;
  /** From the store: this process has not redeemed it, another may have. */
  readonly foreign: boolean;
  /** A token made from it was refused by the server once: a second time it goes. */
  doubted: boolean;
}

/** ID-JAGs that are good: in memory, and in the store that all copies of a bot share. */
export class IdJagShelf {
  readonly #runtime: Runtime;
  readonly #kept: Kept<ShelvedIdJag>;
  readonly #store: SharedStore | undefined;

  constructor(runtime: Runtime, kept: Kept<ShelvedIdJag>, store: SharedStore | undefined) {
    this.#runtime = runtime;
    this.#kept = kept;
    this.#store = store;
  }

  /** The kept one, or what `obtain` brings; `reused` says that it may have been presented before. */
  async get(key: string, obtain: () => Promise<IdJag>): Promise<{ value: ShelvedIdJag; reused: boolean }> {
    const { value, reused } = await this.#kept.get(
      key,
      async () => (await this.#fromStore(key)) ?? this.#put(key, await obtain()),
    );
    return { value, reused: reused || value.foreign };
  }

  /** Forgets it here and in the store. */
  async drop(key: string, idJag: ShelvedIdJag): Promise<void> {
    this.#kept.drop(key, idJag);
    await this.#store?.delete(storeKey(key), idJag.stored);
  }

  /**
   * To be called when a token made from it is refused: the first time that may be the token's fault, the second time the
   * ID-JAG goes. Kept with every token, so it holds no ID-JAG that the shelf has let go of.
   */
  doubting(key: string, idJag: ShelvedIdJag): () => void {
    const shelved = new WeakRef(idJag);
    return () => {
      const doubtful = shelved.deref();
      if (!doubtful) return;
      if (doubtful.doubted) void this.drop(key, doubtful);
      doubtful.doubted = true;
    };
  }

  async #fromStore(key: string): Promise<Keepable<ShelvedIdJag> | undefined> {
    const text = await this.#store?.get(storeKey(key));
    const found = text === undefined ? undefined : parseStoredIdJag(text);
    if (text === undefined || !found) return undefined;
    const leftMs = found.expiresAtMs - this.#runtime.clock.wallMs();
    if (leftMs <= 0) return undefined;
    const { assertion, scopes } = found;
    return {
      value: { assertion, scopes, stored: text, foreign: true, doubted: false },
      goodUntilMs: this.#runtime.clock.monotonicMs() + leftMs,
    };
  }

  async #put(key: string, { assertion, scopes, lifetimeMs }: IdJag): Promise<Keepable<ShelvedIdJag>> {
    const usefulMs = lifetimeMs - Math.min(SPARE_MS, lifetimeMs / 10);
    const stored = serialiseIdJag({ assertion, scopes, expiresAtMs: this.#runtime.clock.wallMs() + usefulMs });
    await this.#store?.set(storeKey(key), stored, usefulMs);
    return {
      value: { assertion, scopes, stored, foreign: false, doubted: false },
      goodUntilMs: this.#runtime.clock.monotonicMs() + usefulMs,
    };
  }
}

function storeKey(key: string): string {
  return `${key}.id-jag`;
}
