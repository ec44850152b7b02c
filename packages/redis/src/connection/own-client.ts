import { createClient, ErrorReply } from 'redis';
import { storeClosed, unreachable, within } from './faults.ts';
import type { Connection } from './redis-commands.ts';

const CONNECT_MS = 2_000;
const COMMAND_MS = 900;
const MAX_PENDING = 1_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

type Client = ReturnType<typeof clientFor>;

/**
 * A client of our own: made at the first command, dropped when its connection fails or hangs, made anew by the next command
 * that comes after a pause. Between commands nothing retries, nothing is queued and no timer runs.
 */
export function ownClient(url: string): Connection {
  let connecting: Promise<Client> | undefined;
  let isClosed = false;
  let failures = 0;
  let pausedUntilMs = 0;

  const drop = (client: Promise<Client>) => {
    if (connecting !== client) return;
    connecting = undefined;
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** failures, LONGEST_PAUSE_MS);
    failures += 1;
    pausedUntilMs = performance.now() + pauseMs * (0.5 + Math.random() / 2);
  };

  const connect = (): Promise<Client> => {
    if (performance.now() < pausedUntilMs) throw unreachable(undefined);
    const client = clientFor(url);
    const connected = client.connect().then(() => client);
    connecting = connected;
    // also keeps the failure of a connection that nobody waits for any more from ending the process
    connected.catch(() => drop(connected));
    client.on('error', () => {
      drop(connected);
      client.destroy();
    });
    return connected;
  };

  return {
    async run(command) {
      if (isClosed) throw storeClosed();
      const connected = connecting ?? connect();
      let client: Client;
      try {
        // who is in a hurry stops waiting, and the connection may still come about for the next
        client = await within(COMMAND_MS, connected);
      } catch (error) {
        throw isClosed ? storeClosed() : unreachable(error);
      }
      try {
        const answer = await within(COMMAND_MS, command(client));
        failures = 0;
        return answer;
      } catch (error) {
        if (isClosed) throw storeClosed();
        // where Redis said no, the connection is good
        if (!(error instanceof ErrorReply)) {
          drop(connected);
          client.destroy();
        }
        throw unreachable(error);
      }
    },
    close() {
      isClosed = true;
      void connecting?.then((client) => client.destroy()).catch(() => undefined);
      connecting = undefined;
    },
  };
}

function clientFor(url: string) {
  return createClient({
    url,
    disableOfflineQueue: true,
    commandsQueueMaxLength: MAX_PENDING,
    socket: { connectTimeout: CONNECT_MS, reconnectStrategy: false },
  });
}
