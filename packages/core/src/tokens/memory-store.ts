import type { StoredToken, TokenStore } from './token-store.ts';

/** A store in memory, for principals of one identity that live in one process. Bounded; the oldest goes first. */
export function memoryStore(options: { maxTokens?: number } = {}): TokenStore {
  const { maxTokens = 10_000 } = options;
  const tokens = new Map<string, StoredToken>();
  return {
    async get(key) {
      const token = tokens.get(key);
      if (token && token.expiresAtMs <= Date.now()) {
        tokens.delete(key);
        return undefined;
      }
      return token;
    },
    async set(key, token) {
      tokens.delete(key);
      tokens.set(key, token);
      const oldest = tokens.keys().next();
      if (tokens.size > maxTokens && !oldest.done) tokens.delete(oldest.value);
    },
    async delete(key, value) {
      if (tokens.get(key)?.value === value) tokens.delete(key);
    },
  };
}
