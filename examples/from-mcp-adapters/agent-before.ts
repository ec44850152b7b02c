/** An agent with mcp-adapters. The URL of each server, and a key for it, are in MCP_SERVERS. */
import { MultiServerMCPClient } from '@langchain/mcp-adapters';
import { createAgent } from 'langchain';
import { modelFor } from './model.ts';

const client = new MultiServerMCPClient({ mcpServers: JSON.parse(process.env['MCP_SERVERS'] ?? '{}') });
const tools = await client.getTools();
const agent = createAgent({ model: modelFor(tools), tools });
const { messages } = await agent.invoke({ messages: [{ role: 'user', content: 'Which issues are open?' }] });
console.log(messages.at(-1)?.text);
await client.close();
