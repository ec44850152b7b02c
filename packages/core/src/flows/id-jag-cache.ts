import { type CachedValue, RefreshingCache } from '../cache/refreshing-cache.ts';
import { mayPass } from '../errors/may-pass.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { SharedStore } from '../store/shared-store.ts';
import { parseStoredIdJag, serialiseIdJag } from './stored-id-jag.ts';
import type { IdJag } from './exchange.ts';

/** An ID-JAG is replaced this long before it expires, because a request takes time to arrive. Short ones: a tenth of their lifetime. */
const SPARE_MS = 10_000;
const MAX_ID_JAGS = 100;
/** For all users of a bot together. */
export const MAX_ID_JAGS_OF_USERS = 1_000;

/** An ID-JAG in the cache. */
export interface CachedIdJag {
  readonly assertion: string;
  readonly scopes: readonly string[] | undefined;
  readonly subject: string | undefined;
  /** The name in the claim `act`. */
  readonly actor: string | undefined;
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

  constructor(runtime: Runtime, store: SharedStore | undefined, max = MAX_ID_JAGS) {
    this.#runtime = runtime;
    this.#cache = new RefreshingCache(runtime.clock, max, mayPass);
    this.#store = store;
  }

  /** The cached ID-JAG, or the one that `obtain` returns. `reused`: the ID-JAG may have been sent to the AS before. */
  async get(key: string, obtain: () => Promise<IdJag>): Promise<{ value: CachedIdJag; reused: boolean }> {
    const { value, reused } = await this.#cache.get(key, async () => this.#fromStoreOr(key, obtain));
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

  /** The ID-JAG in the store, or a new one if there is none or it expires soon. If a new one cannot be obtained, the one in the store. */
  async #fromStoreOr(key: string, obtain: () => Promise<IdJag>): Promise<CachedValue<CachedIdJag>> {
    const stored = await this.#fromStore(key);
    if (stored && stored.goodUntilMs > this.#runtime.clock.monotonicMs()) return stored;
    try {
      return await this.#put(key, await obtain());
    } catch (error) {
      if (stored && mayPass(error)) return stored;
      throw error;
    }
  }

  async #fromStore(key: string): Promise<CachedValue<CachedIdJag> | undefined> {
    const text = await this.#store?.get(storeKey(key));
    const found = text === undefined ? undefined : parseStoredIdJag(text);
    if (text === undefined || !found) return undefined;
    const { assertion, scopes, subject, actor, expiresAtMs, goodUntilMs } = found;
    const wallMs = this.#runtime.clock.wallMs();
    if (expiresAtMs <= wallMs) return undefined;
    const nowMs = this.#runtime.clock.monotonicMs();
    return {
      value: { assertion, scopes, subject, actor, stored: text, fromStore: true, tokenWasRefused: false },
      goodUntilMs: nowMs + goodUntilMs - wallMs,
      usableUntilMs: nowMs + expiresAtMs - wallMs,
    };
  }

  async #put(key: string, { assertion, scopes, shown, lifetimeMs }: IdJag): Promise<CachedValue<CachedIdJag>> {
    const usefulMs = lifetimeMs - Math.min(SPARE_MS, lifetimeMs / 10);
    const nowMs = this.#runtime.clock.monotonicMs();
    const wallMs = this.#runtime.clock.wallMs();
    const { subject, actor } = shown;
    const stored = serialiseIdJag({
      assertion,
      scopes,
      subject,
      actor,
      expiresAtMs: wallMs + lifetimeMs,
      goodUntilMs: wallMs + usefulMs,
    });
    await this.#store?.set(storeKey(key), stored, lifetimeMs);
    return {
      value: { assertion, scopes, subject, actor, stored, fromStore: false, tokenWasRefused: false },
      goodUntilMs: nowMs + usefulMs,
      usableUntilMs: nowMs + lifetimeMs,
    };
  }
}

function storeKey(key: string): string {
  return `${key}.id-jag`;
}
