/** Deletes the key if its value is ARGV[1]. */
export const DELETE_IF = `if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0`;

/** Sets the key's remaining lifetime to ARGV[2] milliseconds if its value is ARGV[1]. */
export const EXTEND_IF = `if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2]) end return 0`;
