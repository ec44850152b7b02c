/** The same agent as a service principal, if it has to keep the class of mcp-adapters. */
import { mcpConnections, ServicePrincipal } from '@credence/langchain';
import { MultiServerMCPClient } from '@langchain/mcp-adapters';
import { createAgent } from 'langchain';
import { modelFor } from './model.ts';

const client = new MultiServerMCPClient(mcpConnections(ServicePrincipal.fromEnv(), ['issues', 'documents']));
const tools = await client.getTools();
const agent = createAgent({ model: modelFor(tools), tools });
const { messages } = await agent.invoke({ messages: [{ role: 'user', content: 'Which issues are open?' }] });
console.log(messages.at(-1)?.text);
await client.close();
