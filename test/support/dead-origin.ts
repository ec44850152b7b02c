import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';

export interface DeadOrigin {
  readonly origin: string;
  close(): Promise<void>;
}

/**
 * An origin where every connection is refused, for as long as it is held: its port belongs to the client's end of a connection.
 * A port that was merely let go is soon given to somebody else, who then answers.
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
