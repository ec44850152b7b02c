import { createClient, ErrorReply } from 'redis';
import { storeClosed, unreachable, within } from './faults.ts';
import type { Connection } from './redis-commands.ts';

const CONNECT_MS = 2_500;
const COMMAND_MS = 900;
const MAX_PENDING = 1_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

interface Link {
  readonly client: ReturnType<typeof clientFor>;
  /** Settles within `CONNECT_MS`, also if the server accepts the connection and then sends nothing. */
  readonly connected: Promise<unknown>;
}

/**
 * A connection that makes its own client at the first command. The connection drops the client when the connection fails or
 * hangs. The first command after a pause makes a new client. Between commands nothing retries, nothing is queued and no
 * timer runs.
 */
export function ownClient(url: string): Connection {
  let link: Link | undefined;
  let isClosed = false;
  let failures = 0;
  let pausedUntilMs = 0;

  const drop = (failed: Link) => {
    failed.client.destroy();
    if (link !== failed) return;
    link = undefined;
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** failures, LONGEST_PAUSE_MS);
    failures += 1;
    pausedUntilMs = performance.now() + pauseMs * (0.5 + Math.random() / 2);
  };

  const connect = (): Link => {
    if (performance.now() < pausedUntilMs) throw unreachable(undefined);
    const client = clientFor(url);
    const made: Link = { client, connected: within(CONNECT_MS, client.connect()) };
    // without these two, an 'error' event or a rejection that no caller awaits would end the process
    client.on('error', () => drop(made));
    made.connected.catch(() => drop(made));
    return made;
  };

  return {
    async run(command) {
      if (isClosed) throw storeClosed();
      link ??= connect();
      const used = link;
      try {
        await used.connected;
        const answer = await within(COMMAND_MS, command(used.client));
        failures = 0;
        return answer;
      } catch (error) {
        if (isClosed) throw storeClosed();
        // an ErrorReply is an answer of Redis, so the connection works
        if (!(error instanceof ErrorReply)) drop(used);
        throw unreachable(error);
      }
    },
    close() {
      isClosed = true;
      link?.client.destroy();
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
