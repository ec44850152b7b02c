import type { ServicePrincipal } from '@credence/core';
import { mcpAuthProvider } from '@credence/sdk-adapter/v2';
import {
  Client,
  SSEClientTransport,
  StreamableHTTPClientTransport,
  type VersionNegotiationOptions,
} from '@modelcontextprotocol/client';
import { startV1Sse, startV1Streamable, startV2Only2026 } from '../support/mcp-servers/index.ts';
import { describeAuthProvider } from './sdk-auth-provider.ts';
import { connectedOrClosed, type ToolClient } from './sdk-world.ts';

const provider = (bot: ServicePrincipal) => mcpAuthProvider(bot, 'notes');

async function connected(
  transport: StreamableHTTPClientTransport | SSEClientTransport,
  versionNegotiation: VersionNegotiationOptions,
): Promise<ToolClient> {
  const client = await connectedOrClosed(
    new Client({ name: 'framework', version: '1' }, { versionNegotiation }),
    async (connecting) => connecting.connect(transport),
  );
  return {
    callTool: async (params, _schema, call) => client.callTool(params, call),
    close: async () => client.close(),
  };
}

function http(mode: VersionNegotiationOptions) {
  return async (bot: ServicePrincipal): Promise<ToolClient> =>
    connected(new StreamableHTTPClientTransport(bot.server('notes').url, { authProvider: provider(bot) }), mode);
}

describeAuthProvider('SDK v2 and a stateful 2025 server', {
  start: startV1Streamable,
  connect: http({ mode: 'legacy' }),
  provider,
  firstRequest: 'initialize',
});

describeAuthProvider('SDK v2 and a 2026 server', {
  start: startV2Only2026,
  connect: http({ mode: 'auto' }),
  provider,
  firstRequest: 'server/discover',
});

describeAuthProvider('SDK v2 over SSE', {
  start: startV1Sse,
  connect: async (bot) =>
    connected(new SSEClientTransport(bot.server('notes').url, { authProvider: provider(bot) }), { mode: 'legacy' }),
  provider,
  firstRequest: 'GET',
});
