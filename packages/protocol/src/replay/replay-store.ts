import { cleanText } from '../text/clean.ts';

/**
 * Remembers which ID-JAGs and DPoP proofs were used. Shared by all instances of a server, or single use means once per
 * instance.
 */
export interface ReplayStore {
  /**
   * Reserves `id` until `expiresAt`, atomically: of any number of concurrent calls with one `id`, exactly one gets
   * `true`. `false`: it is reserved, or `expiresAt` is past and nothing can be reserved any more. Rejects where neither
   * can be known: the store is full, or cannot be asked; the request is then answered `temporarily_unavailable`.
   *
   * `owner` is who fills the store by this: the client, for an ID-JAG together with its issuer and tenant. A store that
   * has little room can see to it that nobody takes all of it.
   */
  reserve(id: string, expiresAt: Date, owner?: string): Promise<boolean>;
}

/** A store has no room for a new reservation. Forgetting an old one would make what it stands for usable again. */
export class ReplayStoreFullError extends Error {
  /** Always `ReplayStoreFullError`. */
  override readonly name = 'ReplayStoreFullError';
}

/** Throws a TypeError that begins with `where` for an option that is given and is no store. */
export function checkReplayStore(where: string, name: string, store: unknown): void {
  if (store === undefined) return;
  const { reserve } = (store ?? {}) as { reserve?: unknown };
  if (typeof reserve !== 'function') throw new TypeError(`${where}: ${name} is no store, it has no reserve()`);
}

/** Why a store rejected, in one word: the code of its error, or the error's name. Its message may hold anything. */
export function storeFault(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && /^\w{1,60}$/u.test(code) ? code : cleanText(error.name);
}
