export { type RedisReplayStore, redisReplayStore, type RedisReplayStoreOptions } from './redis-replay-store.ts';
export { redisStore, type RedisStore } from './redis-store.ts';
export type { RedisStoreOptions, RedisStoreWarning } from './options.ts';
export type { EncryptionKey } from './encryption/encryption-key.ts';
export type { RedisClientLike, RedisCommands } from './connection/redis-commands.ts';
