import type { ServicePrincipal } from '@credence/core';
import { mcpAuthProvider } from '@credence/sdk-adapter';
import type { StreamableHTTPConnection } from '@langchain/mcp-adapters';

/**
 * `mcpServers` for mcp-adapters' MultiServerMCPClient, for code that builds on that class; new code is better off with
 * `loadTools`.
 *
 * That class takes an auth provider and no `fetch`, which sets the limits: Bearer tokens only (no DPoP), no step-up, no
 * declaration of the EMA capability, no recovery of lost sessions, and a refusal arrives as text in an MCPClientError or
 * ToolException. Printed as JSON, the result shows names and URLs and no secret. Throws `unknown_server`.
 */
export function mcpConnections(
  bot: ServicePrincipal,
  servers: readonly (string | URL)[] = bot.serverNames,
): Record<string, StreamableHTTPConnection> {
  return Object.fromEntries(
    servers.map((wanted) => {
      const { name, url } = bot.server(wanted);
      return [
        name,
        {
          transport: 'http',
          url: url.href,
          authProvider: mcpAuthProvider(bot, name),
          // a refusal is an answer, not a reason to try an older transport
          automaticSSEFallback: false,
        },
      ];
    }),
  );
}
