import type { ServicePrincipal } from '@credence/core';
import { mcpAuthProvider } from '@credence/sdk-adapter';
import type { McpAdaptersConnection } from './mcp-adapters.ts';

/**
 * Returns the option `mcpServers` of mcp-adapters' MultiServerMCPClient, for code that uses that class. Use `loadTools` in new
 * code.
 *
 * That class accepts an auth provider but no `fetch`. Therefore these features are missing: DPoP, step-up, the
 * declaration of the EMA capability, and the recovery of lost sessions. A refusal is only the text of an MCPClientError or
 * ToolException. Printed as JSON, the result contains names and URLs but no secret. Throws `unknown_server`.
 */
export function mcpConnections(
  bot: ServicePrincipal,
  servers: readonly (string | URL)[] = bot.serverNames,
): Record<string, McpAdaptersConnection> {
  return Object.fromEntries(
    servers.map((wanted) => {
      const { name, url } = bot.server(wanted);
      return [
        name,
        {
          transport: 'http',
          url: url.href,
          authProvider: mcpAuthProvider(bot, name),
          // after a refusal the client must not try the SSE transport
          automaticSSEFallback: false,
        },
      ];
    }),
  );
}
