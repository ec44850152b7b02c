import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { type PrincipalOf, registerTool } from '../servers/register-tool.ts';
import type { SandboxTool } from '../servers/sandbox-tool.ts';
import type { WorldServer } from '../world/server.ts';
import { createSessions } from './sessions.ts';
import type { McpSource } from './source.ts';

/** A server that consists of a list of tools. */
export function toolServer(
  { name, title, instructions }: WorldServer,
  tools: readonly SandboxTool[],
  onToolCall: () => void,
  principalOf: PrincipalOf,
  close: () => Promise<void> = () => Promise.resolve(),
): McpSource {
  const sessions = createSessions(() => {
    const server = new McpServer(
      { name, version: '0.1.0', ...(title !== undefined && { title }) },
      instructions === undefined ? {} : { instructions },
    );
    for (const tool of tools) registerTool(server, tool, onToolCall, principalOf);
    return server;
  });
  return {
    ...sessions,
    toolScopes: Object.fromEntries(tools.map((tool) => [tool.name, tool.scopes])),
    countsToolCalls: true,
    close,
  };
}
