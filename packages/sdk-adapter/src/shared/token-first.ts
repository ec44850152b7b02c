import type { ServicePrincipal } from '@credence/core';
import type { EventStream } from './event-stream.ts';

/** The part of a transport, of either SDK, that opening and closing it touches. */
interface OpenableTransport {
  onerror?: ((error: Error) => void) | undefined;
  start(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Makes `transport` take the server's token before it opens, so that a refusal reaches `connect` as the CredenceError it is:
 * thrown later, inside `fetch`, it would be wrapped by an event source and by SDK v2's version negotiation. Closing ends the wait,
 * and closes once.
 */
export function takingTokenFirst<Transport extends OpenableTransport>(
  transport: Transport,
  bot: ServicePrincipal,
  server: string,
): Transport {
  const start = transport.start.bind(transport);
  const close = transport.close.bind(transport);
  const closing = new AbortController();
  return Object.assign(transport, {
    async start(): Promise<void> {
      await bot.token(server, { signal: closing.signal });
      closing.signal.throwIfAborted();
      await start();
    },
    async close(): Promise<void> {
      if (closing.signal.aborted) return;
      closing.abort();
      await close();
    },
  });
}

/**
 * Makes an SSE transport end as `stream` does: where the stream cannot be opened, with the refusal behind it; where it is
 * refused later, at once, rather than by asking again every few seconds while calls wait for answers that cannot come.
 */
export function endingWithStream<Transport extends OpenableTransport>(
  transport: Transport,
  stream: EventStream,
): Transport {
  const start = transport.start.bind(transport);
  return Object.assign(transport, {
    async start(): Promise<void> {
      try {
        await start();
      } catch (error) {
        await transport.close();
        throw stream.failure ?? error;
      }
      stream.onRefused = (refusal) => {
        transport.onerror?.(refusal);
        void transport.close();
      };
    },
  });
}
