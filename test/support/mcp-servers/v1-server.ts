import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import * as z from 'zod';
import type { Workbench } from './tools.ts';

/** An SDK v1 server (revisions up to 2025-11-25) with the tools of `Workbench`. */
export function v1McpServer(workbench: Workbench): McpServer {
  const server = new McpServer({ name: 'fixture-v1', version: '1.0.0' });
  server.registerTool(
    'echo',
    { description: 'Repeats a message', inputSchema: { message: z.string() } },
    (args: { message: string }) => workbench.echo(args),
  );
  server.registerTool(
    'write_note',
    { description: 'Writes a note', inputSchema: { text: z.string() } },
    (args: { text: string }) => workbench.writeNote(args),
  );
  server.registerTool(
    'slow',
    { description: 'Waits, in milliseconds', inputSchema: { ms: z.number().nonnegative() } },
    async (args: { ms: number }) => workbench.slow(args),
  );
  return server;
}
