/**
 * Connections with a bot's access tokens for code that uses MultiServerMCPClient of mcp-adapters. langchain-agent.ts shows
 * `loadTools`, which also handles refusals and reconnects. Run it with `npx tsx examples/langchain-connections.ts`.
 */
import assert from 'node:assert/strict';
import { ServicePrincipal } from '@credence/core';
import { loadTools, mcpConnections, toolOrigin } from '@credence/langchain';
import { startSandbox } from '@credence/sandbox';
import { MultiServerMCPClient } from '@langchain/mcp-adapters';

const enterprise = await startSandbox();
const bot = ServicePrincipal.fromEnv(enterprise.principals['reporting-bot'].env);

const client = new MultiServerMCPClient({
  mcpServers: mcpConnections(bot, ['issues', 'documents']),
  prefixToolNameWithServerName: true,
});
const tools = await client.getTools();
const list = tools.find(({ name }) => name === 'issues__list_issues');
const answer: unknown = await list?.invoke({});
console.log(`${tools.length} tools; list_issues returns ${JSON.stringify(answer).slice(0, 80)}...`);
assert.match(JSON.stringify(answer), /H-101/u);

const loaded = await loadTools(bot, ['issues']);
const origins = loaded.tools.map((tool) => toolOrigin(tool));
console.log('loadTools returns the same tools; toolOrigin returns the server of each:', origins[0]);
assert.ok(origins.every((origin) => origin?.server === 'issues'));

await loaded.close();
await client.close();
await bot.close();
await enterprise.close();
