import { createMCPClient, type MCPClientConfig } from '@ai-sdk/mcp';
import { mcpAuthProvider, mcpServersConfig } from '@credence/sdk-adapter';
import { type Connection, textOf, type Way } from '../connection.ts';

async function connected(transport?: MCPClientConfig['transport']): Promise<Connection> {
  if (!transport) throw new Error('no such server');
  const client = await createMCPClient({ transport });
  const tools = await client.tools();
  return {
    call: async (tool, args = {}) =>
      textOf(await tools[tool]?.execute?.(args, { toolCallId: '1', messages: [], context: {} })),
    close: async () => client.close(),
  };
}

export const ways: readonly Way[] = [
  {
    package: '@ai-sdk/mcp',
    passes: 'fetch',
    connect: async (bot, server) => connected(mcpServersConfig(bot)[server]),
  },
  {
    package: '@ai-sdk/mcp',
    passes: 'authProvider',
    // The types differ in members that only the login of a user needs. The package calls the provider of a program in JavaScript, too.
    connect: async (bot, server) =>
      connected({
        type: 'http',
        url: bot.server(server).url.href,
        authProvider: mcpAuthProvider(bot, server) as never,
      }),
  },
];
