import { MCPClient } from 'mcp-use/client';
import { mcpAuthProvider, mcpServersConfig } from '@credence/sdk-adapter';
import { type Connection, textOf, type Way } from '../connection.ts';

type Config = Extract<ConstructorParameters<typeof MCPClient>[0], object>;

async function connected(name: string, config: Config): Promise<Connection> {
  const client = new MCPClient(config);
  const session = await client.createSession(name);
  return {
    call: async (tool, args = {}) => textOf(await session.callTool(tool, args)),
    close: async () => client.closeAllSessions(),
  };
}

export const ways: readonly Way[] = [
  {
    package: 'mcp-use',
    passes: 'fetch',
    connect: async (bot, server) => connected(server, { mcpServers: mcpServersConfig(bot) }),
  },
  {
    package: 'mcp-use',
    passes: 'authProvider',
    connect: async (bot, server) =>
      connected(server, {
        mcpServers: { [server]: { url: bot.server(server).url.href, authProvider: mcpAuthProvider(bot, server) } },
      }),
  },
];
