import { waitFor } from '@credence/protocol';
import type { ServicePrincipal } from '@credence/core';
import type { EventStream } from './event-stream.ts';

/** The part of a transport, of either SDK, that opening and closing it touches. */
export interface OpenableTransport {
  onerror?: ((error: Error) => void) | undefined;
  start(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Makes `transport` take the server's token before it opens, so that a refusal reaches `connect` as the CredenceError it is:
 * thrown later, inside `fetch`, it would be wrapped by an event source and by SDK v2's version negotiation. Closing ends the wait,
 * and closes once. A transport that lives by an event stream also ends with it (`whileStreaming`).
 */
export function takingTokenFirst<Transport extends OpenableTransport>(
  transport: Transport,
  bot: ServicePrincipal,
  server: string,
  stream?: EventStream,
): Transport {
  const start = transport.start.bind(transport);
  const close = transport.close.bind(transport);
  const closing = new AbortController();
  return Object.assign(transport, {
    async start(): Promise<void> {
      await bot.token(server, { signal: closing.signal });
      closing.signal.throwIfAborted();
      await (stream ? whileStreaming(transport, stream, start, closing.signal) : start());
    },
    async close(): Promise<void> {
      if (closing.signal.aborted) return;
      closing.abort();
      await close();
    },
  });
}

/**
 * Opens an SSE transport, which then ends as its stream does: where that cannot be opened, with the refusal behind it; where
 * it is refused later, at once, rather than by asking again every few seconds while calls wait for answers that cannot come.
 */
async function whileStreaming(
  transport: OpenableTransport,
  stream: EventStream,
  start: () => Promise<void>,
  closed: AbortSignal,
): Promise<void> {
  try {
    // an event source that is closed while it waits for its server says nothing any more
    await waitFor(start(), closed);
  } catch (error) {
    await transport.close();
    throw stream.failure ?? error;
  }
  stream.onRefused = (refusal) => {
    transport.onerror?.(refusal);
    void transport.close();
  };
}
