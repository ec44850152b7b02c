import type { TokenStore } from './token-store.ts';

/**
 * A store in the memory of the process, for several principals with the same identity. If it has more than `maxEntries` values, the
 * one that was set first is removed.
 */
export function memoryStore(options: { maxEntries?: number } = {}): TokenStore {
  const { maxEntries = 10_000 } = options;
  const entries = new Map<string, { value: string; untilMs: number }>();
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
      entries.delete(key);
      entries.set(key, { value, untilMs: performance.now() + ttlMs });
      const oldest = entries.keys().next();
      if (entries.size > maxEntries && !oldest.done) entries.delete(oldest.value);
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
