import type { ServicePrincipal } from '@credence/core';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import {
  StreamableHTTPClientTransport,
  type StreamableHTTPClientTransportOptions,
} from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { principalTransport, requestInitOf } from '../shared/principal-transport.ts';

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
  fetch?: (url: string | URL, init?: RequestInit) => Promise<Response>;
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
  return principalTransport(bot, server, options, {
    http: (url, fetch) => new StreamableHTTPClientTransport(url, { ...options.http, fetch }),
    sse: (url, fetch, streamFetch) =>
      new SSEClientTransport(url, {
        ...requestInitOf(options),
        fetch,
        // without it some versions of the SDK open the stream with a fetch of their own
        eventSourceInit: { fetch: streamFetch },
      }),
  });
}
