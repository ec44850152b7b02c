import { type CachedValue, RefreshingCache } from '../cache/refreshing-cache.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { SharedStore } from '../store/shared-store.ts';
import { parseStoredIdJag, serialiseIdJag } from './stored-id-jag.ts';
import type { IdJag } from './exchange.ts';

const SPARE_MS = 10_000;
const MAX_ID_JAGS = 100;

/** An ID-JAG in the cache. */
export interface CachedIdJag {
  readonly assertion: string;
  readonly scopes: readonly string[] | undefined;
  /** The serialised ID-JAG, which is the value of its entry in the store. */
  readonly stored: string;
  /** Whether it was read from the store, so that another process may have redeemed it. */
  readonly fromStore: boolean;
  /** Whether the MCP server refused an access token that was issued for it. */
  tokenWasRefused: boolean;
}

/** The ID-JAGs that have not expired, in memory and in the store that all processes of a bot share. */
export class IdJagCache {
  readonly #runtime: Runtime;
  readonly #cache: RefreshingCache<CachedIdJag>;
  readonly #store: SharedStore | undefined;

  constructor(runtime: Runtime, store: SharedStore | undefined) {
    this.#runtime = runtime;
    this.#cache = new RefreshingCache(runtime.clock, MAX_ID_JAGS);
    this.#store = store;
  }

  /** The cached ID-JAG, or the one that `obtain` returns. `reused`: the ID-JAG may have been sent to the AS before. */
  async get(key: string, obtain: () => Promise<IdJag>): Promise<{ value: CachedIdJag; reused: boolean }> {
    const { value, reused } = await this.#cache.get(
      key,
      async () => (await this.#fromStore(key)) ?? this.#put(key, await obtain()),
    );
    return { value, reused: reused || value.fromStore };
  }

  /** Removes the ID-JAG from memory and from the store. */
  async drop(key: string, idJag: CachedIdJag): Promise<void> {
    this.#cache.drop(key, idJag);
    await this.#store?.delete(storeKey(key), idJag.stored);
  }

  /**
   * Returns a function that must be called if the MCP server refuses an access token that was issued for this ID-JAG. The
   * first refusal may concern that token alone; the second removes the ID-JAG. The function is stored with every token, so
   * it has only a weak reference to the ID-JAG.
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
