import { checkNumber } from '../options/numbers.ts';
import { type ReplayStore, ReplayStoreFullError } from './replay-store.ts';

/** A full store searches for expired reservations at most this often. */
const PURGE_EVERY_MS = 1000;

interface Reservation {
  readonly until: number;
  readonly owner: string | undefined;
}

/**
 * A ReplayStore for one process. The store holds at most `maxEntries` unexpired reservations (default 100 000). A full store
 * rejects a new reservation with {@link ReplayStoreFullError}.
 *
 * One owner cannot fill the store: each owner may hold fewer than (free entries)² / `maxEntries` reservations. One owner
 * alone can fill 38 % of the store, and two owners 25 % each. About 2 × √`maxEntries` owners (600 by default) that take
 * all they can leave no entry for an owner without reservations. For reservations without an owner, only `maxEntries` is
 * the limit.
 *
 * Throws a TypeError if `maxEntries` is not a positive integer.
 */
export function memoryReplayStore(options: { maxEntries?: number; now?: () => Date } = {}): ReplayStore {
  const { maxEntries = 100_000, now = () => new Date() } = options;
  checkNumber('memoryReplayStore', 'maxEntries', maxEntries, { min: 1, integer: true });
  const reservations = new Map<string, Reservation>();
  const heldBy = new Map<string, number>();
  let purgedAt = Number.NEGATIVE_INFINITY;

  const hasRoom = (owner: string | undefined) => {
    const left = maxEntries - reservations.size;
    return left > 0 && (owner === undefined || (heldBy.get(owner) ?? 0) < (left * left) / maxEntries);
  };
  const release = (id: string, { owner }: Reservation) => {
    reservations.delete(id);
    if (owner === undefined) return;
    const held = heldBy.get(owner) ?? 0;
    if (held > 1) heldBy.set(owner, held - 1);
    else heldBy.delete(owner);
  };
  const purge = (at: number) => {
    if (Math.abs(at - purgedAt) < PURGE_EVERY_MS) return;
    purgedAt = at;
    for (const [id, reservation] of reservations) if (reservation.until <= at) release(id, reservation);
  };

  return {
    // There is no await in this function, so no other call runs in between, and the reservation is atomic.
    async reserve(id, expiresAt, owner) {
      const at = now().getTime();
      const until = expiresAt.getTime();
      if (Number.isNaN(until)) throw new TypeError('memoryReplayStore: expiresAt is not a valid date');
      if (until <= at) return false;
      const held = reservations.get(id);
      if (held !== undefined) {
        if (held.until > at) return false;
        release(id, held);
      }
      if (!hasRoom(owner)) purge(at);
      if (!hasRoom(owner)) throw new ReplayStoreFullError('the replay store is full');
      reservations.set(id, { until, owner });
      if (owner !== undefined) heldBy.set(owner, (heldBy.get(owner) ?? 0) + 1);
      return true;
    },
  };
}
