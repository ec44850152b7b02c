import { type CachedValue, RefreshingCache } from '../cache/refreshing-cache.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { SharedStore } from '../store/shared-store.ts';
import { parseStoredIdJag, serialiseIdJag } from './stored-id-jag.ts';
import type { IdJag } from './exchange.ts';

const SPARE_MS = 10_000;
const MAX_ID_JAGS = 100;

/** An ID-JAG that is kept to be redeemed again. */
export interface CachedIdJag {
  readonly assertion: string;
  readonly scopes: readonly string[] | undefined;
  /** The text of its entry in the store, where there is one. */
  readonly stored: string;
  /** It came from the store: another process may have redeemed it. */
  readonly fromStore: boolean;
  /** The server refused an access token that was issued for it. */
  tokenWasRefused: boolean;
}

/** ID-JAGs that are good: in memory, and in the store that all copies of a bot share. */
export class IdJagCache {
  readonly #runtime: Runtime;
  readonly #cache: RefreshingCache<CachedIdJag>;
  readonly #store: SharedStore | undefined;

  constructor(runtime: Runtime, store: SharedStore | undefined) {
    this.#runtime = runtime;
    this.#cache = new RefreshingCache(runtime.clock, MAX_ID_JAGS);
    this.#store = store;
  }

  /** The cached ID-JAG, or the one that `obtain` returns; `reused`: it may have been presented before. */
  async get(key: string, obtain: () => Promise<IdJag>): Promise<{ value: CachedIdJag; reused: boolean }> {
    const { value, reused } = await this.#cache.get(
      key,
      async () => (await this.#fromStore(key)) ?? this.#put(key, await obtain()),
    );
    return { value, reused: reused || value.fromStore };
  }

  /** Removes it here and from the store. */
  async drop(key: string, idJag: CachedIdJag): Promise<void> {
    this.#cache.drop(key, idJag);
    await this.#store?.delete(storeKey(key), idJag.stored);
  }

  /**
   * A function to call when the server refuses an access token that was issued for this ID-JAG. The first refusal may concern
   * that token alone; the second removes the ID-JAG. It is stored with every token, so it refers to the ID-JAG only weakly.
   */
  onTokenRefused(key: string, idJag: CachedIdJag): () => void {
    const reference = new WeakRef(idJag);
    return () => {
      const cached = reference.deref();
      if (!cached) return;
      if (cached.tokenWasRefused) void this.drop(key, cached);
      cached.tokenWasRefused = true;
    };
  }

  async #fromStore(key: string): Promise<CachedValue<CachedIdJag> | undefined> {
    const text = await this.#store?.get(storeKey(key));
    const found = text === undefined ? undefined : parseStoredIdJag(text);
    if (text === undefined || !found) return undefined;
    const leftMs = found.expiresAtMs - this.#runtime.clock.wallMs();
    if (leftMs <= 0) return undefined;
    const { assertion, scopes } = found;
    return {
      value: { assertion, scopes, stored: text, fromStore: true, tokenWasRefused: false },
      goodUntilMs: this.#runtime.clock.monotonicMs() + leftMs,
    };
  }

  async #put(key: string, { assertion, scopes, lifetimeMs }: IdJag): Promise<CachedValue<CachedIdJag>> {
    const usefulMs = lifetimeMs - Math.min(SPARE_MS, lifetimeMs / 10);
    const stored = serialiseIdJag({ assertion, scopes, expiresAtMs: this.#runtime.clock.wallMs() + usefulMs });
    await this.#store?.set(storeKey(key), stored, usefulMs);
    return {
      value: { assertion, scopes, stored, fromStore: false, tokenWasRefused: false },
      goodUntilMs: this.#runtime.clock.monotonicMs() + usefulMs,
    };
  }
}

function storeKey(key: string): string {
  return `${key}.id-jag`;
}
