import { isError } from '../text/is-error.ts';
import { cleanText } from '../text/clean.ts';

/**
 * Remembers which ID-JAGs and DPoP proofs were used. All instances of a server must share one store. Otherwise an ID-JAG
 * or a proof can be used once at each instance.
 */
export interface ReplayStore {
  /**
   * Reserves `id` until `expiresAt`, atomically: of any number of concurrent calls with one `id`, exactly one resolves to
   * `true`. Resolves to `false` if `id` is reserved already, or if `expiresAt` is in the past. Rejects if the store is full
   * or fails; the client then gets the error `temporarily_unavailable`.
   *
   * `owner` is whom the reservation is counted for: the client or, for an ID-JAG, the client together with the issuer and
   * tenant. A store with limited space can limit how many reservations one owner has.
   */
  reserve(id: string, expiresAt: Date, owner?: string): Promise<boolean>;
}

/**
 * The store has no space for a new reservation. The store does not delete an old reservation, because the ID-JAG or proof
 * could then be used again.
 */
export class ReplayStoreFullError extends Error {
  /** Always `ReplayStoreFullError`. */
  override readonly name = 'ReplayStoreFullError';
}

/** Throws a TypeError that begins with `where` if an option is set and is not a replay store. */
export function checkReplayStore(where: string, name: string, store: unknown): void {
  if (store === undefined) return;
  const { reserve } = (store ?? {}) as { reserve?: unknown };
  if (typeof reserve !== 'function')
    throw new TypeError(`${where}: ${name} is not a replay store: it has no reserve()`);
}

/**
 * The reason why a store rejected, in one word: the error's `code`, or else its name. The message is not used, because it
 * can contain secrets.
 */
export function storeFault(error: unknown): string | undefined {
  if (!isError(error)) return undefined;
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && /^\w{1,60}$/u.test(code) ? code : cleanText(error.name);
}
