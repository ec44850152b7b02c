import { mcpAuthProvider } from '@credence/sdk-adapter';
import { Client } from 'mcp-sdk-1.20/client/index.js';
import { StreamableHTTPClientTransport } from 'mcp-sdk-1.20/client/streamableHttp.js';
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
    package: 'mcp-sdk-1.20',
    passes: 'fetch',
    connect: async (bot, name) =>
      connected(new StreamableHTTPClientTransport(bot.server(name).url, { fetch: bot.fetchFor(name) })),
  },
  {
    package: 'mcp-sdk-1.20',
    passes: 'authProvider',
    // This version has a type for providers that ask a user. It calls the provider of a program in JavaScript, too.
    connect: async (bot, name) =>
      connected(
        new StreamableHTTPClientTransport(bot.server(name).url, { authProvider: mcpAuthProvider(bot, name) as never }),
      ),
  },
];
