import { createHash } from 'node:crypto';
import { cleanText } from '@credence/core';
import { IdJagError } from './error.ts';
import type { IdJag } from './types.ts';

/**
 * Remembers which ID-JAGs were used. Shared by all instances of an authorization server, or single use means once per
 * instance.
 */
export interface ReplayStore {
  /**
   * Reserves `id` until `expiresAt`, atomically: of any number of concurrent calls with one `id`, exactly one gets
   * `true`.
   */
  reserve(id: string, expiresAt: Date): Promise<boolean>;
}

/**
 * - `'bound-to-client'`: a live ID-JAG may be redeemed again, by the client it names only. The draft allows it, and
 *   it lets a client renew its access token with one request.
 * - `{ singleUse: store }`: each ID-JAG is redeemed once.
 */
export type ReplayPolicy = 'bound-to-client' | { readonly singleUse: ReplayStore };

/**
 * Reserves `iss` + `jti` where the policy says so. Called after every other check, so that a refused request spends
 * nothing.
 */
export async function reserveOnce(
  idJag: IdJag,
  policy: ReplayPolicy | undefined,
  clockToleranceSeconds: number,
): Promise<void> {
  if (policy === undefined || policy === 'bound-to-client') return;
  const id = createHash('sha256')
    .update(JSON.stringify([idJag.issuer, idJag.jwtId]))
    .digest('base64url');
  // One second more, because the expiry check counts whole seconds.
  const until = new Date(idJag.expiresAt.getTime() + (clockToleranceSeconds + 1) * 1000);
  if (await reserved(policy.singleUse, id, until)) return;
  const { issuer, subject, jwtId, clientId } = idJag;
  throw new IdJagError('replayed', undefined, { issuer, subject, jwtId, clientId });
}

async function reserved(store: ReplayStore, id: string, until: Date): Promise<boolean> {
  try {
    return await store.reserve(id, until);
  } catch (error) {
    // A store that cannot be asked lets nobody in; its error may hold anything, its name cannot.
    throw new IdJagError('replay_unknown', error instanceof Error ? cleanText(error.name) : undefined);
  }
}

/**
 * A ReplayStore for one process. It holds at most `maxEntries` live reservations (default 100 000) and refuses new
 * ones when full: forgetting an old one would make its ID-JAG usable again.
 */
export function memoryReplayStore(options: { maxEntries?: number; now?: () => Date } = {}): ReplayStore {
  const maxEntries = options.maxEntries ?? 100_000;
  const now = options.now ?? (() => new Date());
  const reserved = new Map<string, number>();
  return {
    // Everything up to the return happens in one turn of the event loop, which is what makes it atomic.
    reserve(id, expiresAt) {
      const at = now().getTime();
      const held = reserved.get(id);
      if (held !== undefined && held > at) return Promise.resolve(false);
      if (reserved.size >= maxEntries) {
        for (const [key, until] of reserved) if (until <= at) reserved.delete(key);
      }
      if (reserved.size >= maxEntries) return Promise.resolve(false);
      reserved.set(id, expiresAt.getTime());
      return Promise.resolve(true);
    },
  };
}
