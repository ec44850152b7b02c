/** The same agent as a service principal. */
import { loadTools, ServicePrincipal } from '@credence/langchain';
import { createAgent } from 'langchain';
import { modelFor } from './model.ts';

const client = await loadTools(ServicePrincipal.fromEnv());
const tools = await client.getTools();
const agent = createAgent({ model: modelFor(tools), tools });
const { messages } = await agent.invoke({ messages: [{ role: 'user', content: 'Which issues are open?' }] });
console.log(messages.at(-1)?.text);
await client.close();
