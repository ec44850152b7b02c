import { invalidConfiguration } from '../invalid-configuration.ts';
import type { AnyOptions } from '../options.ts';
import type { Sendable } from './messages.ts';
import type { SandboxServer } from '../world/server.ts';
import type { World } from '../world/world.ts';

/**
 * The options with values that can be sent to another process. URLs become texts.
 * @throws CredenceError `invalid_configuration` for a server that is a function of this process.
 */
export function sendable({ process: _process, mcpServer, servers, ...options }: AnyOptions, world: World): Sendable {
  const local = world.servers.find(({ source }) => source.kind === 'tools' || source.kind === 'mcp-server');
  if (local !== undefined) {
    const what = local.source.kind === 'tools' ? 'tools' : 'mcpServer';
    throw invalidConfiguration(
      `The server "${local.name}" is given by functions (${what}), which cannot be sent to a child process.`,
      'Give it by url, or by module (a file whose default export creates the MCP server); or leave out process: "child".',
    );
  }
  return {
    ...options,
    ...(mcpServer instanceof URL && { mcpServer: mcpServer.href }),
    ...(typeof mcpServer === 'string' && { mcpServer }),
    ...(servers !== undefined && {
      servers: Object.fromEntries(Object.entries(servers).map(([name, server]) => [name, withTexts(server)])),
    }),
  };
}

function withTexts({ url, module, ...server }: SandboxServer): SandboxServer {
  return {
    ...server,
    ...(url !== undefined && { url: String(url) }),
    ...(module !== undefined && { module: String(module) }),
  };
}
