import {
  Client as ClientV2,
  StreamableHTTPClientTransport as TransportV2,
  type StreamableHTTPClientTransportOptions as OptionsV2,
} from '@modelcontextprotocol/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import {
  StreamableHTTPClientTransport as TransportV1,
  type StreamableHTTPClientTransportOptions as OptionsV1,
} from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CLIENT_INFO, type Connection } from './contender.ts';

const TOOL = { name: 'ping', arguments: {} };

/** Connects a client of SDK v1 over a transport with these options. */
export async function connectV1(url: string, options: OptionsV1): Promise<Connection> {
  const client = new ClientV1(CLIENT_INFO);
  await client.connect(new TransportV1(new URL(url), options));
  return connectionOf(client);
}

/** Connects a client of SDK v2. By default it uses the 2025 revisions of MCP. */
export async function connectV2(url: string, options: OptionsV2): Promise<Connection> {
  const client = new ClientV2(CLIENT_INFO);
  await client.connect(new TransportV2(new URL(url), options));
  return connectionOf(client);
}

export function connectionOf(
  client: Pick<ClientV1, 'callTool' | 'close'> | Pick<ClientV2, 'callTool' | 'close'>,
  close: () => Promise<void> = () => client.close(),
): Connection {
  return {
    async call() {
      const { isError } = await client.callTool(TOOL);
      if (isError === true) throw new Error('the tool failed');
    },
    close,
  };
}
