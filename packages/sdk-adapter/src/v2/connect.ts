import type { ServicePrincipal } from '@credence/core';
import { Client, type VersionNegotiationOptions } from '@modelcontextprotocol/client';
import { CLIENT_INFO } from '../shared/client-info.ts';
import { alreadyConnected, connecting } from '../shared/connecting.ts';
import { emaCapabilities } from '../shared/ema-capabilities.ts';
import { mcpTransport, type McpTransportOptions } from './transport.ts';

/** Options of `connectMcp`. */
export interface ConnectMcpOptions extends McpTransportOptions {
  /** A client that has not been connected yet; the EMA capability is added to what it declares. Default: a new one. */
  client?: Client;
  /**
   * Which revisions are spoken. Default `{ mode: 'auto' }`: 2026-07-28 where the server has it, else the 2025 revisions, found out
   * by one request more. A client of the caller's keeps its own unless this is given.
   */
  versionNegotiation?: VersionNegotiationOptions;
  /** Ends the connecting, not the connection. */
  signal?: AbortSignal;
  /** For each answer while connecting, in milliseconds. Default: the SDK's, 60,000. */
  timeoutMs?: number;
}

/**
 * Connects SDK v2's client to a server as the principal, and declares the EMA extension. Close the client at the end.
 *
 * Throws `CredenceError` for every refusal, negotiation included, and for a server that cannot be reached, and what the SDK
 * throws where the server is no MCP server that it can speak to; in either case nothing stays open.
 *
 * @example
 * <!-- from examples/mcp-sdk-v2.ts#connect -->
 * ```ts
 * const client = await connectMcp(bot, 'issues');
 * console.log(`connected, revision ${client.getNegotiatedProtocolVersion()}`);
 * const answer = await client.callTool({ name: 'list_issues', arguments: {} });
 * ```
 */
export async function connectMcp(
  bot: ServicePrincipal,
  server: string | URL,
  options: ConnectMcpOptions = {},
): Promise<Client> {
  const { client: given, versionNegotiation, signal, timeoutMs, ...transportOptions } = options;
  const client = given ?? new Client(CLIENT_INFO, { versionNegotiation: { mode: 'auto' } });
  if (client.transport) throw alreadyConnected(bot.server(server).name);
  const transport = mcpTransport(bot, server, transportOptions);
  if (versionNegotiation) client.setVersionNegotiation(versionNegotiation);
  client.registerCapabilities(emaCapabilities);
  await connecting(
    async () => client.connect(transport, timeoutMs === undefined ? undefined : { timeout: timeoutMs }),
    { client, transport },
    signal,
  );
  return client;
}
