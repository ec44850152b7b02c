import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { invalidConfiguration } from '../invalid-configuration.ts';
import type { SandboxMcpServer } from '../world/server.ts';

const LIST_TIMEOUT_MS = 2_000;

/**
 * Compares the names in the option `tools` with the tools that the server lists. A server that cannot be asked is not compared.
 * @throws CredenceError `invalid_configuration` for a name that is not in the list.
 */
export async function checkToolNames(
  server: string,
  names: readonly string[],
  mcpServer: SandboxMcpServer,
): Promise<void> {
  const listed = await listedTools(mcpServer).catch(() => undefined);
  const unknown = listed && names.find((name) => !listed.includes(name));
  if (listed === undefined || unknown === undefined) return;
  throw invalidConfiguration(
    `The option tools of the server "${server}" names the tool ${JSON.stringify(unknown)}, which the MCP server does not have.`,
    `The tools of the MCP server are: ${listed.join(', ')}.`,
  );
}

async function listedTools(mcpServer: SandboxMcpServer): Promise<readonly string[]> {
  const [atClient, atServer] = InMemoryTransport.createLinkedPair();
  const client = new Client({ name: 'credence-sandbox', version: '0.1.0' });
  try {
    // a server of SDK v1 and one of SDK v2 have the same `connect`, except for the names of the types
    await mcpServer.connect(atServer as never);
    await client.connect(atClient, { timeout: LIST_TIMEOUT_MS });
    const names: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await client.listTools({ cursor }, { timeout: LIST_TIMEOUT_MS });
      names.push(...page.tools.map(({ name }) => name));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    return names;
  } finally {
    await client.close();
  }
}
