import type { FetchLike } from '@credence/protocol';
import { RefreshingCache } from '../cache/refreshing-cache.ts';
import { mayPass } from '../errors/may-pass.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Clock } from '../time/clock.ts';
import type { IssuerMetadata } from './authorization-server.ts';
import { FailedDiscoveries } from './failed-discoveries.ts';
import type { ProtectedResource } from './protected-resource.ts';

/** For the resources and for the issuers each. Above it, the least recently used document is removed. */
const MAX_DOCUMENTS = 1_000;

/** The cached metadata of MCP servers, by URL, and of issuers. */
export interface MetadataCaches {
  readonly resources: RefreshingCache<ProtectedResource>;
  readonly issuers: RefreshingCache<IssuerMetadata>;
  /** The documents of both kinds that are not requested now. */
  readonly failed: FailedDiscoveries;
}

interface CountedCaches extends MetadataCaches {
  /** The number of open principals that use the caches. */
  users: number;
}

/**
 * The caches of this process, by the fetch and the clock of the principals. Principals with another `fetch` can reach other hosts
 * under the same names, so they share nothing with the rest.
 */
const cachesInUse = new WeakMap<FetchLike, WeakMap<Clock, CountedCaches>>();

/** Caches that no other principal uses. */
export function ownMetadataCaches(clock: Clock): MetadataCaches {
  return {
    resources: new RefreshingCache(clock, MAX_DOCUMENTS, mayPass),
    issuers: new RefreshingCache(clock, MAX_DOCUMENTS, mayPass),
    failed: new FailedDiscoveries(clock, 2 * MAX_DOCUMENTS),
  };
}

/**
 * The caches that all open principals with the same fetch and clock share. Metadata is public and is requested without a
 * credential, so a thousand principals need it once. The caller calls `release` at its end; the caches are dropped with the last
 * user.
 */
export function sharedMetadataCaches({ fetch, clock }: Pick<Runtime, 'fetch' | 'clock'>): {
  caches: MetadataCaches;
  release: () => void;
} {
  const byClock = cachesInUse.get(fetch) ?? new WeakMap<Clock, CountedCaches>();
  cachesInUse.set(fetch, byClock);
  const caches = byClock.get(clock) ?? { ...ownMetadataCaches(clock), users: 0 };
  byClock.set(clock, caches);
  caches.users += 1;
  let isReleased = false;
  const release = () => {
    if (isReleased) return;
    isReleased = true;
    caches.users -= 1;
    if (caches.users === 0 && byClock.get(clock) === caches) byClock.delete(clock);
  };
  return { caches, release };
}
