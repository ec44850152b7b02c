import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer, requireScopes } from '@modelcontextprotocol/server';
import * as z from 'zod';
import type { FixtureOptions, McpFixture } from './fixture.ts';
import { startFront } from './front.ts';
import { TOOL_SCOPES, Workbench } from './tools.ts';

export interface V2Fixture extends McpFixture {
  readonly workbench: Workbench;
}

/** An SDK v2 server with the tools of `Workbench`. The SDK answers 403 if the scope of a tool is missing. */
function v2McpServer(workbench: Workbench): McpServer {
  const server = new McpServer({ name: 'fixture-v2', version: '1.0.0' });
  server.registerTool(
    'echo',
    {
      description: 'Repeats a message',
      inputSchema: z.object({ message: z.string() }),
      scopeChallenge: requireScopes(TOOL_SCOPES.echo),
    },
    (args) => workbench.echo(args),
  );
  server.registerTool(
    'write_note',
    {
      description: 'Writes a note',
      inputSchema: z.object({ text: z.string() }),
      scopeChallenge: requireScopes(TOOL_SCOPES.write_note),
    },
    (args) => workbench.writeNote(args),
  );
  server.registerTool(
    'slow',
    {
      description: 'Waits, in milliseconds',
      inputSchema: z.object({ ms: z.number().nonnegative() }),
      scopeChallenge: requireScopes(TOOL_SCOPES.slow),
    },
    async (args) => workbench.slow(args),
  );
  return server;
}

async function startV2(options: FixtureOptions, legacy: 'stateless' | 'reject'): Promise<V2Fixture> {
  const workbench = new Workbench();
  const handler = createMcpHandler(() => v2McpServer(workbench), { legacy });
  const nodeHandler = toNodeHandler(handler);
  const front = await startFront(options, {
    path: '/mcp',
    checksToolScopes: false,
    serve: async ({ request, response, body }) => nodeHandler(request, response, body),
  });
  return {
    ...front,
    workbench,
    async close() {
      workbench.stop();
      await handler.close();
      await front.close();
    },
  };
}

/** An SDK v2 server that supports revision 2026-07-28 and, without sessions, the 2025 revisions. */
export async function startV2BothRevisions(options: FixtureOptions): Promise<V2Fixture> {
  return startV2(options, 'stateless');
}

/** An SDK v2 server that supports only revision 2026-07-28. It answers an older client with the error -32022. */
export async function startV2Only2026(options: FixtureOptions): Promise<V2Fixture> {
  return startV2(options, 'reject');
}
