import { mcpAuthProvider } from '@credence/sdk-adapter';
import { Client } from 'mcp-sdk-1.30/client/index.js';
import { StreamableHTTPClientTransport } from 'mcp-sdk-1.30/client/streamableHttp.js';
import { type Connection, textOf, type Way } from '../connection.ts';

async function connected(transport: StreamableHTTPClientTransport): Promise<Connection> {
  const client = new Client({ name: 'application', version: '1.0.0' });
  await client.connect(transport);
  return {
    call: async (tool, args = {}) => textOf(await client.callTool({ name: tool, arguments: args })),
    close: async () => client.close(),
  };
}

export const ways: readonly Way[] = [
  {
    package: 'mcp-sdk-1.30',
    passes: 'fetch',
    connect: async (bot, name) =>
      connected(new StreamableHTTPClientTransport(bot.server(name).url, { fetch: bot.fetchFor(name) })),
  },
  {
    package: 'mcp-sdk-1.30',
    passes: 'authProvider',
    connect: async (bot, name) =>
      connected(new StreamableHTTPClientTransport(bot.server(name).url, { authProvider: mcpAuthProvider(bot, name) })),
  },
];
