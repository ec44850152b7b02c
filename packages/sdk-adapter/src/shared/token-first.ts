import { waitFor } from '@credence/protocol';
import type { ServicePrincipal } from '@credence/core';
import type { EventStream } from './event-stream.ts';

/** The part of a transport of either SDK that opens and closes it. */
export interface OpenableTransport {
  onerror?: ((error: Error) => void) | undefined;
  start(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Changes `start` of `transport`: it first gets the access token, so that `connect` rejects with the CredenceError of a refusal. An
 * error of `fetch` would be wrapped by the event source and by the version negotiation of SDK v2. `close` ends the wait for the token,
 * and a second `close` does nothing. A transport with an event stream is also closed if the stream is refused (`whileStreaming`).
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
 * Opens an SSE transport. If its stream cannot be opened, it closes the transport and throws the CredenceError. If the stream is
 * refused later, when it reconnects, it reports the error by `onerror` and closes the transport. Otherwise the event source would try
 * again every few seconds, and calls would wait for responses without end.
 */
async function whileStreaming(
  transport: OpenableTransport,
  stream: EventStream,
  start: () => Promise<void>,
  closed: AbortSignal,
): Promise<void> {
  try {
    // `start` never settles if the event source is closed while it waits for the server.
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
