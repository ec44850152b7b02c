import type { ServicePrincipal } from '@credence/core';
import {
  isSpecType,
  SSEClientTransport,
  StreamableHTTPClientTransport,
  type StreamableHTTPClientTransportOptions,
} from '@modelcontextprotocol/client';
import type { SchemaLimits } from '../schema/limits.ts';
import type { ToolLeftOut } from '../shared/listed-tools.ts';
import { principalTransport, requestInitOf } from '../shared/principal-transport.ts';

/** Options of `mcpTransport`. */
export interface McpTransportOptions {
  /** `'http'` (default): Streamable HTTP. `'sse'`: the HTTP+SSE transport of revision 2024-11-05. */
  transport?: 'http' | 'sse';
  /**
   * Options of the SDK's transport, without those for authorization and redirects, which the adapter handles. An SSE transport uses
   * only `requestInit`.
   */
  http?: Pick<
    StreamableHTTPClientTransportOptions,
    'requestInit' | 'reconnectionOptions' | 'reconnectionScheduler' | 'sessionId' | 'protocolVersion'
  >;
  /** A fetch that wraps `bot.fetchFor(server)`, for example to log or change requests. Default `bot.fetchFor(server)`. */
  fetch?: (url: string | URL, init?: RequestInit) => Promise<Response>;
  /** Limits on the output schemas of the server's tools. A schema beyond a limit is not used. */
  schemaLimits?: SchemaLimits;
  /**
   * Called for each tool of the server that is left out of a list, because the SDK would refuse the whole list. There is a `warning`
   * event too. It must not throw.
   */
  onToolLeftOut?: (tool: ToolLeftOut) => void;
}

/**
 * Creates a transport of SDK v2 whose requests have the principal's access token. Its `fetch` replaces refused tokens, steps up and
 * follows redirects within the origin. Its `start()` gets the token first, so that `client.connect(transport)` rejects with the
 * `CredenceError` of a refusal. Use one transport for one connection. Throws `unknown_server`.
 */
export function mcpTransport(
  bot: ServicePrincipal,
  server: string | URL,
  options?: McpTransportOptions & { transport?: 'http' },
): StreamableHTTPClientTransport;
/** With `transport: 'sse'`: creates an HTTP+SSE transport of revision 2024-11-05. */
export function mcpTransport(
  bot: ServicePrincipal,
  server: string | URL,
  options: McpTransportOptions & { transport: 'sse' },
): SSEClientTransport;
/** For a value of `transport` that is known only at run time. */
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
    isTool,
    http: (url, fetch) => new StreamableHTTPClientTransport(url, { ...options.http, fetch }),
    sse: (url, fetch, streamFetch) =>
      new SSEClientTransport(url, {
        ...requestInitOf(options),
        fetch,
        // Without it some versions of the SDK open the stream with another fetch.
        eventSourceInit: { fetch: streamFetch },
      }),
  });
}

/** Before revision 2026-07-28 an output schema has the same form as an input schema: the type is `object`. */
function isTool(
  value: Readonly<Record<string, unknown>>,
  transport: StreamableHTTPClientTransport | SSEClientTransport,
): boolean {
  if (!isSpecType.Tool(value)) return false;
  const revision = 'protocolVersion' in transport ? transport.protocolVersion : undefined;
  if (value.outputSchema === undefined || (revision !== undefined && revision >= '2026')) return true;
  return isSpecType.Tool({ ...value, inputSchema: value.outputSchema });
}
