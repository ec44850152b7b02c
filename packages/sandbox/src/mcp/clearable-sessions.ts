import type { SessionStore } from '@credence/resource-server';

/** The principals of all sessions. After `clear`, `boundSessions` answers each of them with 404, like an unknown session. */
export interface ClearableSessions extends SessionStore {
  /** Forgets all sessions. Returns their number. */
  clear(): number;
}

export function clearableSessions(): ClearableSessions {
  const principals = new Map<string, string>();
  return {
    get: (id) => principals.get(id),
    set: (id, principal) => void principals.set(id, principal),
    delete: (id) => void principals.delete(id),
    clear() {
      const { size } = principals;
      principals.clear();
      return size;
    },
  };
}
