import { callerOf } from '@credence/resource-server';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';

/** A module for the option `module` of a server of the sandbox. */
export default function ownServer(): McpServer {
  const server = new McpServer({ name: 'own', version: '1.0.0' });
  server.registerTool('read', { description: 'Reads' }, (extra) => ({
    content: [{ type: 'text', text: `read by ${callerOf(extra).subject ?? 'nobody'}` }],
  }));
  server.registerTool('write', { description: 'Writes' }, () => ({ content: [{ type: 'text', text: 'written' }] }));
  return server;
}
