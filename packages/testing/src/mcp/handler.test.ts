import { connectMcp } from '@credence/sdk-adapter';
import { connectMcp as connectMcpV2 } from '@credence/sdk-adapter/v2';
import { describe, expect, it } from '@jest/globals';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import { botWith, withoutNetwork, world } from '../../test-support/bots.ts';
import type { FakeCaller } from '../settings/options.ts';

withoutNetwork();

describe('a server with a handler', () => {
  it.each([
    ['v1', connectMcp],
    ['v2', connectMcpV2],
  ] as const)('is a server of the MCP SDK, called by a client of SDK %s', async (_version, connect) => {
    const handler = async (request: Request, { principal }: FakeCaller) => {
      const server = new McpServer({ name: 'own', version: '1.0.0' });
      server.registerTool('who', { inputSchema: {} }, () => ({ content: [{ type: 'text', text: principal }] }));
      const transport = new WebStandardStreamableHTTPServerTransport();
      await server.connect(transport);
      return transport.handleRequest(request);
    };
    const idp = world({ servers: { issues: { handler, scopes: ['a'] } } });
    const client = await connect(botWith(idp.options('reporting-bot')), 'issues');
    const result = await client.callTool({ name: 'who', arguments: {} });
    expect(result).toMatchObject({ content: [{ type: 'text', text: 'reporting-bot' }] });
    idp.revoke();
    await expect(client.callTool({ name: 'who', arguments: {} })).resolves.toMatchObject({
      content: [{ text: 'reporting-bot' }],
    });
    await client.close();
  });
});
