import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';

/** A module for the option `module`: its default export creates an MCP server of SDK v1. */
export default function createNotes(): McpServer {
  const server = new McpServer({ name: 'notes', version: '1.0.0' });
  server.registerTool('list_notes', { description: 'Lists the notes' }, () => ({
    content: [{ type: 'text', text: 'buy milk' }],
  }));
  server.registerTool('delete_notes', { description: 'Deletes the notes' }, () => ({ content: [] }));
  return server;
}
