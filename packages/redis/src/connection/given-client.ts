import { storeClosed, unreachable } from './faults.ts';
import type { Connection, RedisClientLike } from './redis-commands.ts';

/** A connection over a client that the caller made and connected, and that the caller closes. */
export function givenClient(client: RedisClientLike): Connection {
  let isClosed = false;
  return {
    async run(command) {
      if (isClosed) throw storeClosed();
      // a disconnected client would queue the command and write an outdated lease or token after it reconnects
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
