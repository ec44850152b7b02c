import { CredenceError } from '@credence/core';
import { within } from './connection/faults.ts';
import { givenClient } from './connection/given-client.ts';
import type { RedisClientLike } from './connection/redis-commands.ts';

/** The longest time that a token request waits for Redis. A reservation that Redis makes after that only blocks its own id. */
const COMMAND_MS = 900;

/** Options of `redisReplayStore`. */
export interface RedisReplayStoreOptions {
  /** A connected client; see `RedisClientLike`. The caller closes it. */
  client: RedisClientLike;
  /** The prefix of every key in Redis. Default `credence:replay:`. */
  prefix?: string;
}

/**
 * A replay store for `replay: { singleUse }` of @credence/authorization-server, and for the DPoP checks of both server packages.
 */
export interface RedisReplayStore {
  /**
   * Reserves `id` until `expiresAt`. Of any number of concurrent calls with one `id`, in any number of processes, exactly one
   * returns `true`. If `expiresAt` is in the past, all return `false`. Rejects with a `CredenceError` if Redis is down or
   * refuses.
   */
  reserve(id: string, expiresAt: Date): Promise<boolean>;
}

/**
 * A replay store on Redis for all processes of a server. Each reservation is one `SET NX PX`, which Redis deletes when it
 * expires. Run that Redis with persistence and `maxmemory-policy noeviction`: an ID-JAG or proof whose reservation is lost can be
 * used again. The number of reservations is limited only by the memory of Redis; there is no limit for each client.
 */
export function redisReplayStore({ client, prefix = 'credence:replay:' }: RedisReplayStoreOptions): RedisReplayStore {
  if (!/^[\x21-\x7e]{1,100}$/u.test(prefix)) {
    throw new CredenceError({
      code: 'invalid_configuration',
      leg: 'configure',
      message: 'redisReplayStore: prefix must be 1 to 100 visible ASCII characters.',
      remedy: 'Correct the prefix, or leave it out.',
      contact: 'you',
    });
  }
  const connection = givenClient(client);
  return {
    async reserve(id, expiresAt) {
      const lifetimeMs = Math.ceil(expiresAt.getTime() - Date.now());
      if (Number.isNaN(lifetimeMs)) throw new TypeError('redisReplayStore: expiresAt is not a valid date');
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
