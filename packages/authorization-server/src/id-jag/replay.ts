import { createHash } from 'node:crypto';
import { checkReplayStore, identityOf, type IdJag, IdJagError, type ReplayStore, storeFault } from '@credence/protocol';
/**
 * Whether an ID-JAG may be redeemed more than once.
 *
 * - `'bound-to-client'`: the client in `client_id` may redeem the ID-JAG any number of times until it expires. The draft
 *   allows this, and a client can then renew its access token with one request.
 * - `{ singleUse: store }`: each ID-JAG may be redeemed once.
 */
export type ReplayPolicy = 'bound-to-client' | { readonly singleUse: ReplayStore };

/** Throws a TypeError that begins with `where` for an invalid policy. */
export function checkReplayPolicy(where: string, policy: ReplayPolicy | undefined): void {
  if (policy === undefined || policy === 'bound-to-client') return;
  const { singleUse } = (policy ?? {}) as Partial<typeof policy>;
  if (singleUse === undefined)
    throw new TypeError(`${where}: replay is neither 'bound-to-client' nor { singleUse: store }`);
  checkReplayStore(where, 'replay.singleUse', singleUse);
}

/**
 * Reserves `iss` and `jti` in the store. Throws IdJagError if the ID-JAG was used before, has expired by now, or if the
 * store fails. Called after all other checks, so that a request that is refused for another reason does not use up the
 * ID-JAG.
 */
export async function reserveOnce(
  idJag: IdJag,
  store: ReplayStore,
  clock: { readonly toleranceSeconds: number; readonly now?: (() => Date) | undefined },
): Promise<void> {
  const { toleranceSeconds } = clock;
  const expiresAt = idJag.expiresAt.getTime();
  // The ID-JAG can expire between the check of its claims and this call. Its earlier reservation can then also have expired.
  const lateMs = (clock.now?.() ?? new Date()).getTime() - expiresAt;
  if (lateMs >= toleranceSeconds * 1000) {
    const detail = `${Math.floor(lateMs / 1000)} seconds ago, while it was redeemed`;
    throw new IdJagError('expired', detail, identityOf(idJag.claims));
  }
  const id = createHash('sha256')
    .update(JSON.stringify([idJag.issuer, idJag.jwtId]))
    .digest('base64url');
  // An instance whose clock is behind by the tolerance accepts the ID-JAG for that many seconds longer, so it is remembered until
  // twice the tolerance after it expires.
  const until = new Date(expiresAt + (2 * toleranceSeconds + 1) * 1000);
  if (!(await reserve(store, id, until, idJag))) {
    throw new IdJagError('replayed', undefined, identityOf(idJag.claims));
  }
}

async function reserve(store: ReplayStore, id: string, until: Date, idJag: IdJag): Promise<boolean> {
  const { issuer, tenant, clientId, claims } = idJag;
  try {
    return await store.reserve(id, until, JSON.stringify([issuer, tenant, clientId]));
  } catch (error) {
    throw new IdJagError('replay_unknown', storeFault(error), identityOf(claims));
  }
}
