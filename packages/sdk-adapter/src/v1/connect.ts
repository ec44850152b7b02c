import type { ServicePrincipal } from '@credence/core';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { CLIENT_INFO } from '../shared/client-info.ts';
import { alreadyConnected, connecting } from '../shared/connecting.ts';
import { emaCapabilities } from '../shared/ema-capabilities.ts';
import { mcpTransport, type McpTransportOptions } from './transport.ts';

/** Options of `connectMcp`. */
export interface ConnectMcpOptions extends McpTransportOptions {
  /** A client that has not been connected yet; the EMA capability is added to what it declares. Default: a new one. */
  client?: Client;
  /** Ends the connecting, not the connection. */
  signal?: AbortSignal;
  /** For the answer to `initialize`, in milliseconds. Default: the SDK's, 60,000. */
  timeoutMs?: number;
}

/**
 * Connects SDK v1's client to a server as the principal, and declares the EMA extension. Close the client at the end.
 *
 * Throws `CredenceError` for every refusal and for a server that cannot be reached, and what the SDK throws where the server
 * is no MCP server that it can speak to; in either case nothing stays open.
 *
 * @example
 * <!-- from examples/mcp-sdk.ts#connect -->
 * ```ts
 * const client = await connectMcp(bot, 'issues');
 * const { tools } = await client.listTools();
 * const answer = await client.callTool({ name: 'list_issues', arguments: {} });
 * ```
 */
export async function connectMcp(
  bot: ServicePrincipal,
  server: string | URL,
  options: ConnectMcpOptions = {},
): Promise<Client> {
  const { client = new Client(CLIENT_INFO), signal, timeoutMs, ...transportOptions } = options;
  if (client.transport) throw alreadyConnected(bot.server(server).name);
  const transport = mcpTransport(bot, server, transportOptions);
  client.registerCapabilities(emaCapabilities);
  await connecting(
    async () => client.connect(transport, timeoutMs === undefined ? undefined : { timeout: timeoutMs }),
    { client, transport },
    signal,
  );
  return client;
}
