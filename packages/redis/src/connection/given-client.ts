import { storeClosed, unreachable } from './faults.ts';
import type { Connection, RedisClientLike } from './redis-commands.ts';

/** A client that the caller made, connected and will close. */
export function givenClient(client: RedisClientLike): Connection {
  let isClosed = false;
  return {
    async run(command) {
      if (isClosed) throw storeClosed();
      // not queued until Redis is back: by then a lease or a token would be written that nobody waits for
      if (client.isReady === false) throw unreachable(undefined);
      try {
        return await command(client);
      } catch (error) {
        throw unreachable(error);
      }
    },
    close() {
      isClosed = true;
    },
  };
}
