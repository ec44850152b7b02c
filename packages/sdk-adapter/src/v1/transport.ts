import type { FetchLike, ServicePrincipal } from '@credence/core';
import { SSEClientTransport, type SSEClientTransportOptions } from '@modelcontextprotocol/sdk/client/sse.js';
import {
  StreamableHTTPClientTransport,
  type StreamableHTTPClientTransportOptions,
} from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { EventStream } from '../shared/event-stream.ts';
import { withinOrigin } from '../shared/redirects.ts';
import { takingTokenFirst } from '../shared/token-first.ts';

/** Options of `mcpTransport`. */
export interface McpTransportOptions {
  /** Streamable HTTP, or the HTTP+SSE transport of revision 2024-11-05. Default `'http'`. */
  transport?: 'http' | 'sse';
  /**
   * Options of the SDK's transport, less authorization and redirects, which are the adapter's. SSE takes `requestInit`
   * alone.
   */
  http?: Pick<StreamableHTTPClientTransportOptions, 'requestInit' | 'reconnectionOptions' | 'sessionId'>;
  /** A fetch that wraps `bot.fetchFor(server)`, for who wants to see or change requests. Default `bot.fetchFor(server)`. */
  fetch?: FetchLike;
}

/**
 * A transport of SDK v1 whose requests carry the principal's tokens: refused ones are replaced, scopes stepped up and
 * redirects judged underneath the SDK, in `fetch`. Its `start()` takes the token first, so that `client.connect(transport)` rejects
 * with the `CredenceError` of a refusal. Throws `unknown_server`. One transport serves one connection.
 */
export function mcpTransport(
  bot: ServicePrincipal,
  server: string | URL,
  options?: McpTransportOptions & { transport?: 'http' },
): StreamableHTTPClientTransport;
/** With `transport: 'sse'`: the HTTP+SSE transport of revision 2024-11-05. */
export function mcpTransport(
  bot: ServicePrincipal,
  server: string | URL,
  options: McpTransportOptions & { transport: 'sse' },
): SSEClientTransport;
/** Where `transport` is known only at run time. */
export function mcpTransport(
  bot: ServicePrincipal,
  server: string | URL,
  options?: McpTransportOptions,
): StreamableHTTPClientTransport | SSEClientTransport;
export function mcpTransport(
  bot: ServicePrincipal,
  server: string | URL,
  options: McpTransportOptions = {},
): StreamableHTTPClientTransport | SSEClientTransport {
  const { name, url } = bot.server(server);
  const fetch = withinOrigin(options.fetch ?? bot.fetchFor(name), { name, url });
  if (options.transport !== 'sse') {
    return takingTokenFirst(new StreamableHTTPClientTransport(url, { ...options.http, fetch }), bot, name);
  }
  const stream = new EventStream(fetch);
  const transport = new SSEClientTransport(url, {
    ...requestInitOf(options),
    fetch,
    // without it some versions of the SDK open the stream with a fetch of their own
    eventSourceInit: { fetch: stream.fetch },
  });
  return takingTokenFirst(transport, bot, name, stream);
}

function requestInitOf({ http }: McpTransportOptions): Pick<SSEClientTransportOptions, 'requestInit'> {
  return http?.requestInit === undefined ? {} : { requestInit: http.requestInit };
}
