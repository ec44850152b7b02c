import type { Awaitable } from '@credence/protocol';

/**
 * Remembers the principal of each session. A store that several processes share is needed only if they also share the
 * sessions themselves: usually a session lives in the process that opened it, and a proxy sends its requests there.
 */
export interface SessionStore {
  /** The principal of a session; undefined if the session is unknown. */
  get(sessionId: string): Awaitable<string | undefined>;
  /** Remembers a new session. The response that opens the session is sent after this. */
  set(sessionId: string, principal: string): Awaitable<void>;
  /** Forgets a session that has ended. */
  delete(sessionId: string): Awaitable<void>;
}

/**
 * A SessionStore for one process. It holds at most `maxSessions` sessions, and at most `maxSessionsPerPrincipal` of one
 * principal, so that one principal cannot push out the sessions of the others. A new session then replaces the session (of
 * this principal) that was used least recently.
 */
export function memorySessionStore(limits: {
  readonly maxSessions: number;
  readonly maxSessionsPerPrincipal: number;
}): SessionStore {
  /** In the order of the last use, the least recent first. */
  const sessions = new Map<string, string>();
  /** The sessions of each principal, in the same order. */
  const byPrincipal = new Map<string, Set<string>>();

  const remove = (id: string) => {
    const principal = sessions.get(id);
    if (principal === undefined) return;
    sessions.delete(id);
    const own = byPrincipal.get(principal);
    own?.delete(id);
    if (own?.size === 0) byPrincipal.delete(principal);
  };
  const add = (id: string, principal: string) => {
    remove(id);
    sessions.set(id, principal);
    const own = byPrincipal.get(principal) ?? new Set<string>();
    byPrincipal.set(principal, own.add(id));
    if (own.size > limits.maxSessionsPerPrincipal) removeFirst(own);
    if (sessions.size > limits.maxSessions) removeFirst(sessions.keys());
  };
  const removeFirst = (ids: Iterable<string>) => {
    for (const id of ids) {
      remove(id);
      return;
    }
  };

  return {
    get(id) {
      const principal = sessions.get(id);
      if (principal !== undefined) add(id, principal);
      return principal;
    },
    set: add,
    delete: remove,
  };
}
