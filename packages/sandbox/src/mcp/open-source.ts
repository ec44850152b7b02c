import { openBuiltIn } from '../servers/open-built-in.ts';
import type { PrincipalOf } from '../servers/register-tool.ts';
import type { WorldServer } from '../world/server.ts';
import { forwardTo } from './forward.ts';
import { importedServer, ownServer } from './own-server.ts';
import { type McpSource, perRequest } from './source.ts';
import { toolServer } from './tool-server.ts';

/** Opens what answers the requests of a server. Undefined for a server whose requests do not reach the sandbox. */
export async function openSource(
  server: WorldServer,
  onToolCall: () => void,
  principalOf: PrincipalOf,
): Promise<McpSource | undefined> {
  const { name, source, toolScopes } = server;
  switch (source.kind) {
    case 'built-in': {
      const opened = await openBuiltIn(source.name);
      return toolServer(server, opened.tools, onToolCall, principalOf, () => opened.close());
    }
    case 'tools':
      return toolServer(server, source.tools, onToolCall, principalOf);
    case 'mcp-server':
      return ownServer(server, source.mcpServer);
    case 'module':
      return ownServer(server, await importedServer(name, source.url));
    case 'forward':
      return {
        ...perRequest(forwardTo(name, source.url)),
        toolScopes,
        countsToolCalls: false,
        close: () => Promise.resolve(),
      };
    case 'direct':
      return undefined;
  }
}
