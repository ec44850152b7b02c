/** What the store asks of a Redis client: one key a command, so that it works on a cluster. */
export interface RedisCommands {
  /** `GET`: the value, or null where there is none. */
  get(key: string): Promise<unknown>;
  /** `SET` with `PX` (milliseconds) and, for a lease or a reservation, `NX`: null where the key is taken. */
  set(
    key: string,
    value: string,
    options: { expiration: { type: 'PX'; value: number }; condition?: 'NX' },
  ): Promise<unknown>;
  /** `EVAL` of a script about one key. */
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
}

/**
 * A client of the `redis` package: from `createClient`, `createClientPool`, `createCluster` or `createSentinel`. Stated by shape, so
 * that modules, scripts and protocol version of the client do not matter.
 */
export interface RedisClientLike extends RedisCommands {
  /** Where a client says so: false while it is not connected, when it would only queue commands. */
  readonly isReady?: boolean;
}

/** Runs commands; rejects soon where Redis cannot be reached. */
export interface Connection {
  run<T>(command: (client: RedisCommands) => Promise<T>): Promise<T>;
  close(): void;
}
