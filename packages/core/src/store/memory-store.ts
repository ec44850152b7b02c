import { lruCache } from '@credence/protocol';
import type { TokenStore } from './token-store.ts';

/** A store in memory, for principals of one identity that live in one process. Bounded: what was used least recently goes first. */
export function memoryStore(options: { maxEntries?: number } = {}): TokenStore {
  const { maxEntries = 10_000 } = options;
  const entries = lruCache<{ value: string; untilMs: number }>(maxEntries);
  const leases = new Map<string, { untilMs: number }>();
  const live = (key: string) => {
    const entry = entries.get(key);
    if (entry && entry.untilMs > performance.now()) return entry;
    entries.delete(key);
    return undefined;
  };
  return {
    async get(key) {
      return live(key)?.value;
    },
    async set(key, value, ttlMs) {
      entries.set(key, { value, untilMs: performance.now() + ttlMs });
    },
    async delete(key, value) {
      if (live(key)?.value === value) entries.delete(key);
    },
    async lease(key, ttlMs) {
      const held = leases.get(key);
      if (held && held.untilMs > performance.now()) return undefined;
      const mine = { untilMs: performance.now() + ttlMs };
      leases.set(key, mine);
      return {
        async extend(more) {
          if (leases.get(key) !== mine) return false;
          mine.untilMs = performance.now() + more;
          return true;
        },
        async release() {
          if (leases.get(key) === mine) leases.delete(key);
        },
      };
    },
  };
}
