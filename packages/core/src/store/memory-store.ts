import { lruCache } from '@credence/protocol';
import type { TokenStore } from './token-store.ts';

/**
 * A store in the memory of the process, for several principals with the same identity. If it has more than `maxEntries` values, the
 * least recently used is removed.
 */
export function memoryStore(options: { maxEntries?: number } = {}): TokenStore {
  const { maxEntries = 10_000 } = options;
  const entries = lruCache<{ value: string; untilMs: number }>(maxEntries);
  const leases = new Map<string, { untilMs: number }>();
  const unexpired = (key: string) => {
    const entry = entries.get(key);
    if (entry && entry.untilMs > performance.now()) return entry;
    entries.delete(key);
    return undefined;
  };
  return {
    async get(key) {
      return unexpired(key)?.value;
    },
    async set(key, value, ttlMs) {
      entries.set(key, { value, untilMs: performance.now() + ttlMs });
    },
    async delete(key, value) {
      if (unexpired(key)?.value === value) entries.delete(key);
    },
    async lease(key, ttlMs) {
      const held = leases.get(key);
      if (held && held.untilMs > performance.now()) return undefined;
      const own = { untilMs: performance.now() + ttlMs };
      leases.set(key, own);
      return {
        async extend(more) {
          if (leases.get(key) !== own) return false;
          own.untilMs = performance.now() + more;
          return true;
        },
        async release() {
          if (leases.get(key) === own) leases.delete(key);
        },
      };
    },
  };
}
