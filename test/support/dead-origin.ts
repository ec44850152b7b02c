import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';

export interface DeadOrigin {
  readonly origin: string;
  close(): Promise<void>;
}

/**
 * Reserves an origin that refuses every connection until `close`. The port is the local port of an open client connection, so no
 * server can listen on it. A port that is only closed could be used by another server in the meantime.
 */
export async function holdDeadOrigin(): Promise<DeadOrigin> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  await Promise.all([once(client, 'connect'), accepted]);
  return {
    origin: `http://127.0.0.1:${client.localPort}`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      client.destroy();
      await closed;
    },
  };
}
