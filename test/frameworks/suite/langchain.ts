import { loadTools, mcpConnections } from '@credence/langchain';
import { MultiServerMCPClient } from '@langchain/mcp-adapters';
import type { DynamicStructuredTool } from '@langchain/core/tools';
import type { Connection, Way } from '../connection.ts';

function connection(tools: readonly DynamicStructuredTool[], close: () => Promise<void>): Connection {
  return {
    async call(name, args = {}) {
      const tool = tools.find((each) => each.name.endsWith(name));
      return JSON.stringify(await tool?.invoke(args));
    },
    close,
  };
}

export const ways: readonly Way[] = [
  {
    package: '@langchain/mcp-adapters',
    passes: 'loadTools',
    async connect(bot, name) {
      const loaded = await loadTools(bot, [name]);
      const [failure] = loaded.failures;
      if (failure) throw failure.error;
      return connection(loaded.tools, async () => loaded.close());
    },
  },
  {
    package: '@langchain/mcp-adapters',
    passes: 'authProvider',
    async connect(bot, name) {
      const client = new MultiServerMCPClient({ mcpServers: mcpConnections(bot, [name]) });
      return connection(await client.getTools(), async () => client.close());
    },
  },
];
