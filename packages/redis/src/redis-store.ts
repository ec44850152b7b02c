import { randomBytes } from 'node:crypto';
import type { Lease, TokenStore } from '@credence/core';
import { givenClient } from './connection/given-client.ts';
import { ownClient } from './connection/own-client.ts';
import { Sealer, type Unreadable } from './encryption/sealer.ts';
import { type RedisStoreOptions, type RedisStoreWarning, settingsFrom } from './options.ts';
import { DELETE_IF, EXTEND_IF } from './scripts.ts';

/** The token store that `redisStore` returns. */
export interface RedisStore extends TokenStore {
  /** Whether subject tokens are shared too, as the option of the same name says. */
  readonly keepsSubjectTokens: boolean;
  /** Ends the connection that the store made; a client that was given stays open. Afterwards every method rejects. */
  close(): Promise<void>;
}

/**
 * A token store on Redis that every process of a principal shares: values encrypted, a lease so that one process renews for
 * all. Its methods reject with a `CredenceError` soon after Redis is lost, and work again when it is back; the principal goes on
 * by itself in between. Throws `CredenceError` of leg `configure` for options that are wrong.
 *
 * @example
 * <!-- from test/fleet/copy.ts#readme -->
 * ```ts
 * const store = redisStore({ url: redisUrl, encryptionKey });
 * const bot = ServicePrincipal.fromEnv(env, { store, onEvent });
 * ```
 */
export function redisStore(options: RedisStoreOptions): RedisStore {
  const { from, keys, prefix, keepsSubjectTokens, onWarning } = settingsFrom(options);
  const connection = 'client' in from ? givenClient(from.client) : ownClient(from.url);
  const sealer = new Sealer(keys);
  const warned = new Set<Unreadable>();

  const open = (name: string, sealed: string): string | undefined => {
    const opened = sealer.open(name, sealed);
    if ('text' in opened) return opened.text;
    if (!warned.has(opened.unreadable)) {
      warned.add(opened.unreadable);
      onWarning(WARNINGS[opened.unreadable]);
    }
    return undefined;
  };

  /** As it lies there: the client may have been told to give bytes. */
  const read = async (name: string): Promise<string | undefined> => {
    const reply = await connection.run((client) => client.get(name));
    return reply instanceof Uint8Array ? Buffer.from(reply).toString('latin1') : asString(reply);
  };

  return {
    keepsSubjectTokens,
    async get(key) {
      const name = `${prefix}value:${key}`;
      const sealed = await read(name);
      return sealed === undefined ? undefined : open(name, sealed);
    },
    async set(key, value, ttlMs) {
      const name = `${prefix}value:${key}`;
      const sealed = sealer.seal(name, value);
      await connection.run((client) => client.set(name, sealed, { expiration: lasting(ttlMs) }));
    },
    async delete(key, value) {
      const name = `${prefix}value:${key}`;
      const sealed = await read(name);
      // each sealing differs, so the values are compared here, and what was read there
      if (sealed === undefined || open(name, sealed) !== value) return;
      await connection.run((client) => client.eval(DELETE_IF, { keys: [name], arguments: [sealed] }));
    },
    async lease(key, ttlMs): Promise<Lease | undefined> {
      const name = `${prefix}lease:${key}`;
      const owner = randomBytes(16).toString('base64url');
      const reply = await connection.run((client) =>
        client.set(name, owner, { expiration: lasting(ttlMs), condition: 'NX' }),
      );
      if (reply === null || reply === undefined) return undefined;
      return {
        async extend(moreMs) {
          const { value } = lasting(moreMs);
          const extended = await connection.run((client) =>
            client.eval(EXTEND_IF, { keys: [name], arguments: [owner, String(value)] }),
          );
          return Number(extended) === 1;
        },
        async release() {
          await connection.run((client) => client.eval(DELETE_IF, { keys: [name], arguments: [owner] }));
        },
      };
    },
    async close() {
      connection.close();
    },
  };
}

const WARNINGS: Readonly<Record<Unreadable, RedisStoreWarning>> = {
  'unknown-key': {
    code: 'CREDENCE_REDIS_UNKNOWN_KEY',
    message: 'A value in Redis was encrypted with a key that this process does not have; it is taken as absent.',
    remedy: 'Give every process of the fleet the same encryptionKey; while rotating, both keys.',
  },
  damaged: {
    code: 'CREDENCE_REDIS_DAMAGED',
    message: 'A value in Redis is not what was written under its key; it is taken as absent.',
    remedy: 'Find out who else writes to keys of this prefix, or choose another prefix.',
  },
};

function asString(reply: unknown): string | undefined {
  return typeof reply === 'string' ? reply : undefined;
}

/** Redis takes whole milliseconds, from one. */
function lasting(ttlMs: number): { type: 'PX'; value: number } {
  return { type: 'PX', value: Math.max(1, Math.ceil(ttlMs)) };
}
