import type { ServicePrincipal } from '@credence/core';
import { Client, type VersionNegotiationOptions } from '@modelcontextprotocol/client';
import { CLIENT_INFO } from '../shared/client-info.ts';
import { alreadyConnected, connecting } from '../shared/connecting.ts';
import { emaCapabilities } from '../shared/ema-capabilities.ts';
import { validatorFor } from '../shared/principal-transport.ts';
import { mcpTransport, type McpTransportOptions } from './transport.ts';

/** Options of `connectMcp`. */
export interface ConnectMcpOptions extends McpTransportOptions {
  /**
   * A client that has not been connected yet. The EMA capability is added to its capabilities. Default: a new client
   * with `safeSchemaValidator()`. Pass that to your own client as `jsonSchemaValidator`, or a tool's output schema can stall the process.
   */
  client?: Client;
  /**
   * Called with the client before it connects, for example to register the capability and the handler of a request of the server. The
   * client is the one of `client`, or the new one.
   */
  prepare?: (client: Client) => void;
  /**
   * The protocol revisions to use. Default `{ mode: 'auto' }`: 2026-07-28 if the server supports it, else the 2025 revisions; this
   * takes one additional request. With `transport: 'sse'` the default is `{ mode: 'legacy' }`. If `client` is set and this option is not, the setting of the client is used.
   */
  versionNegotiation?: VersionNegotiationOptions;
  /** Aborts `connectMcp`. An abort after `connectMcp` has resolved does not close the connection. */
  signal?: AbortSignal;
  /** The time limit for each response while it connects, in milliseconds. Default: 60,000, the default of the SDK. */
  timeoutMs?: number;
}

/**
 * Connects a client of SDK v2 to a server with the principal's access tokens, and declares the EMA extension. Close the
 * client at the end.
 *
 * Throws a `CredenceError` for every refusal, also during version negotiation, for a server that cannot be reached and for a response
 * that is not one of MCP, and the error of the SDK if the server supports no protocol version of the SDK. If it throws, the client and the transport
 * are closed.
 * A call that ends because of a limit on the server throws an error of the SDK; `credenceErrorIn` returns its CredenceError.
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
  const { client: ownClient, prepare, versionNegotiation, signal, timeoutMs, ...transportOptions } = options;
  if (ownClient?.transport) throw alreadyConnected(bot.server(server).name);
  const transport = mcpTransport(bot, server, transportOptions);
  const jsonSchemaValidator = validatorFor(transport, options);
  // A server with the transport of 2024-11-05 has an earlier revision, and some do not answer a request before `initialize`.
  const mode = options.transport === 'sse' ? 'legacy' : 'auto';
  const client = ownClient ?? new Client(CLIENT_INFO, { versionNegotiation: { mode }, jsonSchemaValidator });
  if (versionNegotiation) client.setVersionNegotiation(versionNegotiation);
  client.registerCapabilities(emaCapabilities);
  prepare?.(client);
  await connecting(
    async () => client.connect(transport, timeoutMs === undefined ? undefined : { timeout: timeoutMs }),
    { client, transport, server: bot.server(server).name },
    signal,
  );
  return client;
}
