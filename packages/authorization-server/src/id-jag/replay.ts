import { createHash } from 'node:crypto';
import { checkReplayStore, identityOf, type IdJag, IdJagError, type ReplayStore, storeFault } from '@credence/protocol';
/**
 * - `'bound-to-client'`: a live ID-JAG may be redeemed again, by the client it names only. The draft allows it, and
 *   it lets a client renew its access token with one request.
 * - `{ singleUse: store }`: each ID-JAG is redeemed once.
 */
export type ReplayPolicy = 'bound-to-client' | { readonly singleUse: ReplayStore };

/** Throws a TypeError that begins with `where`, for a policy that is none. */
export function checkReplayPolicy(where: string, policy: ReplayPolicy | undefined): void {
  if (policy === undefined || policy === 'bound-to-client') return;
  const { singleUse } = (policy ?? {}) as Partial<typeof policy>;
  if (singleUse === undefined)
    throw new TypeError(`${where}: replay is neither 'bound-to-client' nor { singleUse: store }`);
  checkReplayStore(where, 'replay.singleUse', singleUse);
}

/** Reserves `iss` + `jti`. Called after every other check, so that a refused request spends nothing. */
export async function reserveOnce(
  idJag: IdJag,
  store: ReplayStore,
  clock: { readonly toleranceSeconds: number; readonly now?: (() => Date) | undefined },
): Promise<void> {
  const { toleranceSeconds } = clock;
  const expiresAt = idJag.expiresAt.getTime();
  // Whatever was waited for since the claims were read: past this, its reservation may have lapsed.
  const lateMs = (clock.now?.() ?? new Date()).getTime() - expiresAt;
  if (lateMs >= toleranceSeconds * 1000) {
    const detail = `${Math.floor(lateMs / 1000)} seconds ago, while it was redeemed`;
    throw new IdJagError('expired', detail, identityOf(idJag.claims));
  }
  const id = createHash('sha256')
    .update(JSON.stringify([idJag.issuer, idJag.jwtId]))
    .digest('base64url');
  // An instance whose clock is behind by the tolerance accepts it for as much longer.
  const until = new Date(expiresAt + (2 * toleranceSeconds + 1) * 1000);
  if (!(await reserved(store, id, until, idJag))) {
    throw new IdJagError('replayed', undefined, identityOf(idJag.claims));
  }
}

async function reserved(store: ReplayStore, id: string, until: Date, idJag: IdJag): Promise<boolean> {
  const { issuer, tenant, clientId, claims } = idJag;
  try {
    return await store.reserve(id, until, JSON.stringify([issuer, tenant, clientId]));
  } catch (error) {
    throw new IdJagError('replay_unknown', storeFault(error), identityOf(claims));
  }
}
