import { randomUUID } from 'node:crypto';
import { noopObserve } from '@mastra/core/tools';
import { MCPClient, type MastraMCPServerDefinition } from '@mastra/mcp';
import { mcpServersConfig } from '@credence/sdk-adapter';
import { mcpAuthProvider } from '@credence/sdk-adapter/v2';
import { type Connection, textOf, type Way } from '../connection.ts';

async function connected(name: string, servers: Record<string, MastraMCPServerDefinition>): Promise<Connection> {
  const client = new MCPClient({ id: randomUUID(), servers });
  const { tools, errors } = await client.listToolsWithErrors();
  if (errors[name] !== undefined) throw new Error(errors[name]);
  return {
    call: async (tool, args = {}) => textOf(await tools[`${name}_${tool}`]?.execute?.(args, { observe: noopObserve })),
    close: async () => client.disconnect(),
  };
}

// The servers of the sandbox speak the revision 2025-11-25.
const protocolVersion = 'legacy' as const;

export const ways: readonly Way[] = [
  {
    package: '@mastra/mcp',
    passes: 'fetch',
    async connect(bot, name) {
      const { [name]: server } = mcpServersConfig(bot, { framework: 'mastra' });
      return connected(name, server ? { [name]: { ...server, protocolVersion } } : {});
    },
  },
  {
    package: '@mastra/mcp',
    passes: 'authProvider',
    connect: async (bot, name) =>
      connected(name, {
        [name]: { url: bot.server(name).url, authProvider: mcpAuthProvider(bot, name), protocolVersion },
      }),
  },
];
