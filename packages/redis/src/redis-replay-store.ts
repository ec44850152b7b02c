import { CredenceError } from '@credence/core';
import { within } from './connection/faults.ts';
import { givenClient } from './connection/given-client.ts';
import type { RedisClientLike } from './connection/redis-commands.ts';

/** Longer than this no token request waits for Redis. A reservation that comes about later only spends its id. */
const COMMAND_MS = 900;

/** Options of `redisReplayStore`. */
export interface RedisReplayStoreOptions {
  /** A client that is connected, and that the caller closes; see `RedisClientLike`. */
  client: RedisClientLike;
  /** What every key in Redis begins with. Default `credence:replay:`. */
  prefix?: string;
}

/** What `replay: { singleUse }` of @credence/server takes, and the replay store of its DPoP checks. */
export interface RedisReplayStore {
  /**
   * Reserves `id` until `expiresAt`: of any number of concurrent calls with one `id`, in any number of processes, exactly
   * one gets `true`; none where `expiresAt` is past. Rejects with a `CredenceError` where Redis cannot be asked.
   */
  reserve(id: string, expiresAt: Date): Promise<boolean>;
}

/**
 * Remembers on Redis what was used, for every instance of an authorization server: one `SET NX PX` a reservation, which Redis
 * forgets when it expires. Run that Redis with persistence and `maxmemory-policy noeviction`: what it loses can be used again.
 * It has room for what its Redis has room for, and does not share it out among owners.
 */
export function redisReplayStore({ client, prefix = 'credence:replay:' }: RedisReplayStoreOptions): RedisReplayStore {
  if (!/^[\x21-\x7e]{1,100}$/u.test(prefix)) {
    throw new CredenceError({
      code: 'invalid_configuration',
      leg: 'configure',
      message: 'redisReplayStore: prefix is no prefix: 1 to 100 visible ASCII characters.',
      remedy: 'Correct it, or leave it out.',
      contact: 'you',
    });
  }
  const connection = givenClient(client);
  return {
    async reserve(id, expiresAt) {
      const lifetimeMs = Math.ceil(expiresAt.getTime() - Date.now());
      if (Number.isNaN(lifetimeMs)) throw new TypeError('redisReplayStore: expiresAt is no date');
      if (lifetimeMs <= 0) return false;
      const reply = await connection.run((redis) =>
        within(
          COMMAND_MS,
          redis.set(`${prefix}${id}`, '1', { expiration: { type: 'PX', value: lifetimeMs }, condition: 'NX' }),
        ),
      );
      return reply !== null && reply !== undefined;
    },
  };
}
