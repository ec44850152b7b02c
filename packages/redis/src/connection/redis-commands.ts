/** The methods of a Redis client that the stores call. Each call names one key, so that it works on a cluster. */
export interface RedisCommands {
  /** `SET` with `PX` (milliseconds) and, for a lease or a reservation, `NX`: null if the key exists already. */
  set(
    key: string,
    value: string,
    options: { expiration: { type: 'PX'; value: number }; condition?: 'NX' },
  ): Promise<unknown>;
  /** `EVAL` of a script that uses one key. */
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
}

/**
 * A client of the `redis` package: from `createClient`, `createClientPool`, `createCluster` or `createSentinel`. The type lists
 * only the members that are used, so that the client's modules, scripts and protocol version do not matter.
 */
export interface RedisClientLike extends RedisCommands {
  /** False while the client is not connected and would only queue commands. Clients without this member count as connected. */
  readonly isReady?: boolean;
}

/** Runs commands on Redis. `run` rejects within seconds if Redis cannot be reached. */
export interface Connection {
  run<T>(command: (client: RedisCommands) => Promise<T>): Promise<T>;
  close(): void;
}
