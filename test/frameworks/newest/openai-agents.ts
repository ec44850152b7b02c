import { MCPServerStreamableHttp } from '@openai/agents';
import { mcpAuthProvider, mcpServersConfig } from '@credence/sdk-adapter';
import { type Connection, textOf, type Way } from '../connection.ts';

type Options = ConstructorParameters<typeof MCPServerStreamableHttp>[0];

async function connected(options?: Options): Promise<Connection> {
  if (!options) throw new Error('no such server');
  const server = new MCPServerStreamableHttp(options);
  await server.connect();
  return {
    call: async (tool, args = {}) => textOf({ content: await server.callTool(tool, args) }),
    close: async () => server.close(),
  };
}

export const ways: readonly Way[] = [
  {
    package: '@openai/agents',
    passes: 'fetch',
    connect: async (bot, server) => connected(mcpServersConfig(bot)[server]),
  },
  {
    package: '@openai/agents',
    passes: 'authProvider',
    connect: async (bot, server) =>
      connected({ name: server, url: bot.server(server).url.href, authProvider: mcpAuthProvider(bot, server) }),
  },
];
