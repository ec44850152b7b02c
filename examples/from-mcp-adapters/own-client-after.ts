/** The same agent as a service principal. */
import { ServicePrincipal } from '@credence/core';
import { loadMcpTools } from '@langchain/mcp-adapters';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { createAgent } from 'langchain';
import { modelFor } from './model.ts';

const url = new URL(process.env['ISSUES_URL'] ?? '');
const client = new Client({ name: 'agent', version: '1.0.0' });
await client.connect(new StreamableHTTPClientTransport(url, { fetch: ServicePrincipal.fromEnv().fetchFor('issues') }));
const tools = await loadMcpTools('issues', client);
const agent = createAgent({ model: modelFor(tools), tools });
const { messages } = await agent.invoke({ messages: [{ role: 'user', content: 'Which issues are open?' }] });
console.log(messages.at(-1)?.text);
await client.close();
