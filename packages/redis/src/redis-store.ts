import { randomBytes } from 'node:crypto';
import type { Lease, StoreWarning, TokenStore } from '@credence/core';
import { givenClient } from './connection/given-client.ts';
import { ownClient } from './connection/own-client.ts';
import { Encrypter, type Unreadable } from './encryption/encrypter.ts';
import { type RedisStoreOptions, type RedisStoreWarning, settingsFrom } from './options.ts';
import { DELETE_IF, EXTEND_IF, GET_BOUNDED, SET_UNLESS_FOREIGN } from './scripts.ts';

/** The token store that `redisStore` returns. */
export interface RedisStore extends TokenStore {
  /** Whether subject tokens are also shared: the value of the option with the same name. */
  readonly keepsSubjectTokens: boolean;
  /**
   * Closes the connection if the store made it; a `client` of the caller stays open. After `close`, every other
   * method rejects.
   */
  close(): Promise<void>;
}

/**
 * A token store on Redis that all processes of a principal share. Values are encrypted. A lease lets one process renew a token
 * for all. While Redis is down the store's methods reject with a `CredenceError` and the principal works without the store; they
 * work again when Redis is back. Throws a `CredenceError` of leg `configure` for invalid options.
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
  const encrypter = new Encrypter(keys);
  const warnings = new Map<Unreadable, StoreWarning>();
  const listeners = new Set<(warning: StoreWarning) => void>();

  const warnOf = (unreadable: Unreadable) => {
    if (warnings.has(unreadable)) return;
    const { code, message, remedy } = WARNINGS[unreadable];
    const warning: StoreWarning = { code: STORE_CODES[unreadable], message, remedy };
    warnings.set(unreadable, warning);
    onWarning({ code, message, remedy });
    for (const listener of listeners) listener(warning);
  };

  const decrypt = (name: string, encrypted: string): string | undefined => {
    const decrypted = encrypter.decrypt(name, encrypted);
    if ('text' in decrypted) return decrypted.text;
    warnOf(decrypted.unreadable);
    return undefined;
  };

  /** Reads the encrypted value. A client can be configured to return bytes in place of strings. */
  const read = async (name: string): Promise<string | undefined> => {
    const reply = await connection.run((client) =>
      client.eval(GET_BOUNDED, { keys: [name], arguments: [String(MAX_VALUE_BYTES)] }),
    );
    return reply instanceof Uint8Array ? Buffer.from(reply).toString('latin1') : asString(reply);
  };

  return {
    keepsSubjectTokens,
    async get(key) {
      const name = `${prefix}value:${key}`;
      const encrypted = await read(name);
      return encrypted === undefined ? undefined : decrypt(name, encrypted);
    },
    async set(key, value, ttlMs) {
      const name = `${prefix}value:${key}`;
      const encrypted = encrypter.encrypt(name, value);
      const written = await connection.run((client) =>
        client.eval(SET_UNLESS_FOREIGN, {
          keys: [name],
          arguments: [encrypted, String(expiration(ttlMs).value), ...encrypter.heads],
        }),
      );
      // The value there belongs to processes with another key, which would otherwise lose it.
      if (Number(written) === 0) warnOf('unknown-key');
    },
    async delete(key, value) {
      const name = `${prefix}value:${key}`;
      const encrypted = await read(name);
      // The same value is encrypted differently each time. So the decrypted values are compared here, and the encrypted
      // values in Redis.
      if (encrypted === undefined || decrypt(name, encrypted) !== value) return;
      await connection.run((client) => client.eval(DELETE_IF, { keys: [name], arguments: [encrypted] }));
    },
    async lease(key, ttlMs): Promise<Lease | undefined> {
      const name = `${prefix}lease:${key}`;
      const owner = randomBytes(16).toString('base64url');
      const reply = await connection.run((client) =>
        client.set(name, owner, { expiration: expiration(ttlMs), condition: 'NX' }),
      );
      if (reply === null || reply === undefined) return undefined;
      return {
        async extend(moreMs) {
          const { value } = expiration(moreMs);
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
    onWarning(listener) {
      listeners.add(listener);
      for (const warning of warnings.values()) listener(warning);
      return () => void listeners.delete(listener);
    },
    async close() {
      connection.close();
    },
  };
}

/** No token is so long. */
const MAX_VALUE_BYTES = 512 * 1024;

const STORE_CODES: Readonly<Record<Unreadable, StoreWarning['code']>> = {
  'unknown-key': 'store_unknown_key',
  damaged: 'store_damaged_value',
};

const WARNINGS: Readonly<Record<Unreadable, RedisStoreWarning>> = {
  'unknown-key': {
    code: 'CREDENCE_REDIS_UNKNOWN_KEY',
    message:
      'A value in Redis was encrypted with a key that this process does not have; the store treats it as absent and does not overwrite it.',
    remedy: 'Give every process the same encryptionKey, and both keys during a rotation.',
  },
  damaged: {
    code: 'CREDENCE_REDIS_DAMAGED',
    message: 'A value in Redis is not the value that the store wrote under that key; the store treats it as absent.',
    remedy: 'Find out what else writes to keys with this prefix, or choose another prefix.',
  },
};

function asString(reply: unknown): string | undefined {
  return typeof reply === 'string' ? reply : undefined;
}

/** Redis accepts only whole milliseconds, at least 1. */
function expiration(ttlMs: number): { type: 'PX'; value: number } {
  return { type: 'PX', value: Math.max(1, Math.ceil(ttlMs)) };
}
