import { checkNumber } from '../options/numbers.ts';
import { type ReplayStore, ReplayStoreFullError } from './replay-store.ts';

/** While a store is full, it looks for what has expired this often. */
const PURGE_EVERY_MS = 1000;

interface Reservation {
  readonly until: number;
  readonly owner: string | undefined;
}

/**
 * A ReplayStore for one process. It holds at most `maxEntries` live reservations (default 100 000), and rejects new
 * ones with {@link ReplayStoreFullError} when full. What an owner may hold shrinks with the square of what is left: of
 * those that want everything, one gets 38 of 100, two get 25 each, and it takes some 2 x sqrt(`maxEntries`) of them (600
 * by default) to leave nothing to one that holds nothing yet. Reservations without an owner are bound by the whole only.
 *
 * Throws a TypeError where `maxEntries` is no positive integer.
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
  const forget = (id: string, { owner }: Reservation) => {
    reservations.delete(id);
    if (owner === undefined) return;
    const held = heldBy.get(owner) ?? 0;
    if (held > 1) heldBy.set(owner, held - 1);
    else heldBy.delete(owner);
  };
  const purge = (at: number) => {
    if (Math.abs(at - purgedAt) < PURGE_EVERY_MS) return;
    purgedAt = at;
    for (const [id, reservation] of reservations) if (reservation.until <= at) forget(id, reservation);
  };

  return {
    // Nothing in it waits, so it happens in one turn of the event loop, which is what makes it atomic.
    async reserve(id, expiresAt, owner) {
      const at = now().getTime();
      const until = expiresAt.getTime();
      if (Number.isNaN(until)) throw new TypeError('memoryReplayStore: expiresAt is no date');
      if (until <= at) return false;
      const held = reservations.get(id);
      if (held !== undefined) {
        if (held.until > at) return false;
        forget(id, held);
      }
      if (!hasRoom(owner)) purge(at);
      if (!hasRoom(owner)) throw new ReplayStoreFullError('the replay store is full');
      reservations.set(id, { until, owner });
      if (owner !== undefined) heldBy.set(owner, (heldBy.get(owner) ?? 0) + 1);
      return true;
    },
  };
}
