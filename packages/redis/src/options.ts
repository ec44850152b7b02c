import { CredenceError } from '@credence/core';
import { parsedUrl } from '@credence/protocol';
import { z } from 'zod';
import type { RedisClientLike } from './connection/redis-commands.ts';
import { type EncryptionKey, keyBytes } from './encryption/encryption-key.ts';

/** A problem that does not fail a call: values in Redis that the store cannot read. */
export interface RedisStoreWarning {
  /** The kind of problem: values encrypted with a key that is not configured, or damaged values. */
  readonly code: 'CREDENCE_REDIS_UNKNOWN_KEY' | 'CREDENCE_REDIS_DAMAGED';
  /** The problem, in one sentence. */
  readonly message: string;
  /** What to do about it, in one sentence. */
  readonly remedy: string;
}

/** Options of `redisStore`: a connected client or a URL, and the key that values are encrypted with. */
export type RedisStoreOptions = {
  /**
   * The key that encrypts all values (AES-256-GCM): 32 random bytes, the same for every process. Required; values are never
   * stored in plain text. To rotate, list in `previous` the other keys that values may be encrypted with: the old key, or the
   * next one.
   */
  encryptionKey: EncryptionKey | { current: EncryptionKey; previous?: readonly EncryptionKey[] | undefined };
  /** The prefix of every key in Redis. Default `credence:`. */
  prefix?: string;
  /** Whether subject tokens are also shared. Default false: each process keeps its own subject tokens in memory. */
  keepsSubjectTokens?: boolean;
  /** Called once for each kind of problem, not for an outage of Redis. Default: `process.emitWarning`. */
  onWarning?: (warning: RedisStoreWarning) => void;
} & (
  | {
      /** A connected client; see `RedisClientLike`. The caller closes it. */
      client: RedisClientLike;
      url?: never;
    }
  | {
      /** `redis://` or `rediss://`. The store connects at the first use; `close()` closes the connection. */
      url: string;
      client?: never;
    }
);

/** The validated options, with defaults filled in. */
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
  .refine((url) => /^rediss?:$/u.test(parsedUrl(url)?.protocol ?? ''), 'must be a redis:// or rediss:// URL');
const schema = z.strictObject({
  client: z
    .custom<RedisClientLike>((value) => hasMethods(value, 'set', 'eval'), 'must be a client of the redis package')
    .optional(),
  url: redisUrl.optional(),
  encryptionKey: z.union(
    [encryptionKey, z.strictObject({ current: encryptionKey, previous: z.array(encryptionKey).optional() })],
    'is missing or is not a key: values are never written to Redis in plain text',
  ),
  prefix: z
    .string()
    .regex(/^[\x21-\x7e]{1,100}$/u, 'must be 1 to 100 visible ASCII characters')
    .optional(),
  keepsSubjectTokens: z.boolean().optional(),
  onWarning: z
    .custom<(warning: RedisStoreWarning) => void>((value) => typeof value === 'function', 'must be a function')
    .optional(),
});

/** Throws a `CredenceError` of leg `configure` for the first invalid option. The error contains no value of any option. */
export function settingsFrom(options: RedisStoreOptions): Settings {
  const { data, error } = schema.safeParse(options);
  const [issue] = error?.issues ?? [];
  if (!data) throw invalid(`redisStore: ${issue?.path.join('.') || 'the options'} ${issue?.message ?? 'is invalid'}.`);
  const { client, url } = data;
  if ((client === undefined) === (url === undefined))
    throw invalid('redisStore needs either a client or a url, and not both.');
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

function invalid(message: string): CredenceError {
  return new CredenceError({
    code: 'invalid_configuration',
    leg: 'configure',
    message,
    remedy: 'Correct this option; see RedisStoreOptions.',
    contact: 'you',
  });
}
