/** Deletes the key if it holds exactly this value: ARGV[1]. */
export const DELETE_IF = `if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0`;

/** Gives the key another ARGV[2] milliseconds if it holds exactly this value: ARGV[1]. */
export const EXTEND_IF = `if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2]) end return 0`;
