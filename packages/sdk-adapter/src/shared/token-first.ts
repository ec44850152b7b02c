import { setImmediate } from 'node:timers/promises';
import { waitFor } from '@credence/protocol';
import { CredenceError, type ServicePrincipal } from '@credence/core';
import type { EventStream } from './event-stream.ts';
import type { PresentedTokens } from './presented-tokens.ts';

/** The part of a transport of either SDK that opens and closes it. */
export interface OpenableTransport {
  onerror?: ((error: Error) => void) | undefined;
  start(): Promise<void>;
  send(...message: never[]): Promise<void>;
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
  server: { readonly name: string; readonly tokens: PresentedTokens },
  stream?: EventStream,
): Transport {
  const start = transport.start.bind(transport);
  const close = transport.close.bind(transport);
  const closing = new AbortController();
  return Object.assign(transport, {
    async start(): Promise<void> {
      const { value } = await bot.token(server.name, { signal: closing.signal });
      server.tokens.add(value);
      closing.signal.throwIfAborted();
      await (stream
        ? whileStreaming(transport, { server: server.name, stream, start, closed: closing.signal })
        : start());
    },
    async close(): Promise<void> {
      if (closing.signal.aborted) return;
      closing.abort();
      await close();
    },
  });
}

interface Streaming {
  readonly server: string;
  readonly stream: EventStream;
  readonly start: () => Promise<void>;
  readonly closed: AbortSignal;
}

/**
 * Opens an SSE transport. If its stream cannot be opened, it closes the transport and throws the CredenceError. If the stream is
 * refused later, when it reconnects, it reports the error by `onerror` and closes the transport. Otherwise the event source would try
 * again every few seconds, and calls would wait for responses without end.
 */
async function whileStreaming(
  transport: OpenableTransport,
  { server, stream, start, closed }: Streaming,
): Promise<void> {
  let refused: unknown;
  const started = start().catch((error: unknown) => {
    refused = error;
    throw error;
  });
  try {
    // `start` never settles if the event source is closed while it waits for the server.
    await waitFor(started, closed);
  } catch (error) {
    // The SDK closes the transport because of an unusable endpoint, so that the wait ends before `start` has failed.
    await setImmediate();
    await transport.close();
    const failure = stream.failure ?? refused ?? error;
    throw isOfEndpoint(failure) ? unusableEndpoint(server, failure) : failure;
  }
  stream.onRefused = (refusal) => {
    transport.onerror?.(refusal);
    void transport.close();
  };
}

/** The SDKs throw a plain Error or a TypeError for the event `endpoint`, and their own errors for everything else. */
function isOfEndpoint(error: unknown): boolean {
  return error instanceof Error && ['Error', 'TypeError'].includes(error.constructor.name);
}

function unusableEndpoint(server: string, cause: unknown): CredenceError {
  return new CredenceError({
    code: 'cross_origin_refused',
    leg: 'call',
    message: `Server "${server}" asked for messages at a URL that is not of its own origin, or not a URL; its token is sent only to its own origin.`,
    remedy: `If the server has moved, set servers.${server}.url to its new URL.`,
    contact: 'server-owner',
    server,
    cause,
  });
}
