import { CredenceError } from '@credence/core';
import { z } from 'zod';
import type { RedisClientLike } from './connection/redis-commands.ts';
import { type EncryptionKey, keyBytes } from './encryption/encryption-key.ts';

/** Something worth a look that stops nothing. */
export interface RedisStoreWarning {
  /** Which kind of trouble: values sealed with a key that is not configured, or values that cannot be read. */
  readonly code: 'CREDENCE_REDIS_UNKNOWN_KEY' | 'CREDENCE_REDIS_DAMAGED';
  /** What was found, in one sentence. */
  readonly message: string;
  /** What to do about it, in one sentence. */
  readonly remedy: string;
}

/** Options of `redisStore`: a connected client or a URL, and the key that values are encrypted with. */
export type RedisStoreOptions = {
  /**
   * What values are encrypted with (AES-256-GCM). There is no default and no way without: 32 random bytes, the same for every
   * process of the fleet. To rotate, give the keys that values may still, or already, be sealed with as `previous`.
   */
  encryptionKey: EncryptionKey | { current: EncryptionKey; previous?: readonly EncryptionKey[] | undefined };
  /** What every key in Redis begins with. Default `credence:`. */
  prefix?: string;
  /** Whether subject tokens are shared too. Default false: the principal's own tokens stay in the process that got them. */
  keepsSubjectTokens?: boolean;
  /** Told once of each kind of trouble that is not an outage. Default: `process.emitWarning`. */
  onWarning?: (warning: RedisStoreWarning) => void;
} & (
  | {
      /** A client that is connected, and that the caller closes; see `RedisClientLike`. */
      client: RedisClientLike;
      url?: never;
    }
  | {
      /** `redis://` or `rediss://`. The store connects at the first use; `close()` ends it. */
      url: string;
      client?: never;
    }
);

/** The options, checked. */
export interface Settings {
  readonly from: { readonly client: RedisClientLike } | { readonly url: string };
  readonly keys: readonly [Uint8Array, ...Uint8Array[]];
  readonly prefix: string;
  readonly keepsSubjectTokens: boolean;
  readonly onWarning: (warning: RedisStoreWarning) => void;
}

const encryptionKey = z.union([z.string(), z.instanceof(Uint8Array)]);
const redisUrl = z
  .string()
  .refine((url) => URL.canParse(url) && /^rediss?:$/u.test(new URL(url).protocol), 'is no redis:// or rediss:// URL');
const schema = z.strictObject({
  client: z
    .custom<RedisClientLike>((value) => hasMethods(value, 'get', 'set', 'eval'), 'is no client of the redis package')
    .optional(),
  url: redisUrl.optional(),
  encryptionKey: z.union(
    [encryptionKey, z.strictObject({ current: encryptionKey, previous: z.array(encryptionKey).optional() })],
    'is missing or no key: values are never written to Redis in plain text',
  ),
  prefix: z
    .string()
    .regex(/^[\x21-\x7e]{1,100}$/u, 'is no prefix: 1 to 100 visible ASCII characters')
    .optional(),
  keepsSubjectTokens: z.boolean().optional(),
  onWarning: z
    .custom<(warning: RedisStoreWarning) => void>((value) => typeof value === 'function', 'is no function')
    .optional(),
});

/** Throws `CredenceError` of leg `configure` for the first thing that is wrong; it shows no value of any option. */
export function settingsFrom(options: RedisStoreOptions): Settings {
  const { data, error } = schema.safeParse(options);
  const [issue] = error?.issues ?? [];
  if (!data) throw wrong(`redisStore: ${issue?.path.join('.') || 'the options'} ${issue?.message ?? 'is invalid'}.`);
  const { client, url } = data;
  if ((client === undefined) === (url === undefined)) throw wrong('redisStore wants either a client or a url.');
  const { current, previous = [] } = isPlainKey(data.encryptionKey)
    ? { current: data.encryptionKey }
    : data.encryptionKey;
  const option = isPlainKey(data.encryptionKey) ? 'encryptionKey' : 'encryptionKey.current';
  return {
    from: client ? { client } : { url: url ?? '' },
    keys: [keyBytes(current, option), ...previous.map((key, at) => keyBytes(key, `encryptionKey.previous[${at}]`))],
    prefix: data.prefix ?? 'credence:',
    keepsSubjectTokens: data.keepsSubjectTokens ?? false,
    onWarning: data.onWarning ?? warnOnProcess,
  };
}

function isPlainKey(key: RedisStoreOptions['encryptionKey']): key is EncryptionKey {
  return typeof key === 'string' || key instanceof Uint8Array;
}

function warnOnProcess({ code, message, remedy }: RedisStoreWarning): void {
  process.emitWarning(message, { type: 'CredenceWarning', code, detail: remedy });
}

function hasMethods(value: unknown, ...names: string[]): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    names.every((name) => typeof (value as Record<string, unknown>)[name] === 'function')
  );
}

function wrong(message: string): CredenceError {
  return new CredenceError({
    code: 'invalid_configuration',
    leg: 'configure',
    message,
    remedy: 'Correct it; see RedisStoreOptions.',
    contact: 'you',
  });
}
