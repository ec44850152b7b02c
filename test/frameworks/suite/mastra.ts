import { randomUUID } from 'node:crypto';
import { MCPClient } from '@mastra/mcp';
import { mcpServersConfig } from '@credence/sdk-adapter';
import { textOf, type Way } from '../connection.ts';

export const ways: readonly Way[] = [
  {
    package: '@mastra/mcp',
    passes: 'authProvider',
    async connect(bot, server) {
      const servers = mcpServersConfig(bot, { framework: 'mastra-0', servers: [server] });
      const client = new MCPClient({ id: randomUUID(), servers });
      const tools = await client.getTools();
      return {
        call: async (tool, args = {}) => textOf(await tools[`${server}_${tool}`].execute({ context: args })),
        close: async () => client.disconnect(),
      };
    },
  },
];
