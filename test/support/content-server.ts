import { once } from 'node:events';
import { toNodeHandler } from '@modelcontextprotocol/node';
import {
  acceptedContent,
  createMcpHandler,
  inputRequired,
  McpServer,
  ResourceTemplate,
} from '@modelcontextprotocol/server';
import * as z from 'zod';
import type { FixtureOptions, McpFixture } from './mcp-servers/index.ts';
import { startFront } from './mcp-servers/front.ts';

/** An MCP server with resources, prompts, and tools that ask the client and report progress. */
export interface ContentServer extends McpFixture {
  /** The reasons for which calls of the tool `wait` were cancelled. */
  readonly cancelled: unknown[];
}

/** Revision 2026-07-28 alone, or the 2025 revisions too. */
export async function startContentServer(
  options: FixtureOptions,
  legacy: 'stateless' | 'reject' = 'stateless',
): Promise<ContentServer> {
  const cancelled: unknown[] = [];
  const handler = createMcpHandler(() => contentServer(cancelled), { legacy });
  const nodeHandler = toNodeHandler(handler);
  const front = await startFront(options, {
    path: '/mcp',
    checksToolScopes: false,
    serve: async ({ request, response, body }) => nodeHandler(request, response, body),
  });
  return {
    ...front,
    cancelled,
    async close() {
      await handler.close();
      await front.close();
    },
  };
}

const confirmation = z.object({ confirm: z.boolean() });

function contentServer(cancelled: unknown[]): McpServer {
  const server = new McpServer({ name: 'content', version: '1.0.0' });
  server.registerTool('deploy', { inputSchema: z.object({ env: z.string() }) }, ({ env }, { mcpReq }) => {
    const answer = acceptedContent(mcpReq.inputResponses, 'confirm', confirmation);
    if (answer) return text(answer.confirm ? `deployed to ${env}` : 'not deployed');
    if (mcpReq.inputResponses) return text('nobody confirmed');
    return inputRequired({
      inputRequests: {
        confirm: inputRequired.elicit({ message: `Deploy to ${env}?`, requestedSchema: confirmation }),
      },
    });
  });
  server.registerTool('wait', { inputSchema: z.object({}) }, async (_input, { mcpReq }) => {
    const { progressToken } = mcpReq._meta ?? {};
    if (progressToken !== undefined) {
      await mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress: 1 } });
    }
    if (!mcpReq.signal.aborted) await once(mcpReq.signal, 'abort');
    cancelled.push(mcpReq.signal.reason);
    return text('cancelled');
  });
  server.registerResource(
    'handbook',
    'notes://handbook',
    { title: 'Handbook', description: 'How we work.', mimeType: 'text/markdown' },
    (uri) => ({ contents: [{ uri: uri.href, mimeType: 'text/markdown', text: '# Handbook' }] }),
  );
  server.registerResource(
    'note',
    new ResourceTemplate('notes://{id}', { list: undefined }),
    { description: 'A note.' },
    (uri) => ({ contents: [{ uri: uri.href, blob: Buffer.from('bytes').toString('base64') }] }),
  );
  server.registerPrompt(
    'review',
    { description: 'Reviews a change.', argsSchema: z.object({ diff: z.string() }) },
    ({ diff }) => ({
      messages: [
        { role: 'user', content: { type: 'text', text: `Review ${diff}` } },
        { role: 'assistant', content: { type: 'text', text: 'Gladly.' } },
        { role: 'user', content: { type: 'image', data: 'aW1n', mimeType: 'image/png' } },
      ],
    }),
  );
  return server;
}

function text(value: string) {
  return { content: [{ type: 'text' as const, text: value }] };
}
