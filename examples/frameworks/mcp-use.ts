/**
 * A bot in mcp-use 1 (`MCPClient`, which its `MCPAgent` uses). Run it with `npm ci --prefix examples/frameworks`, then
 * `npx tsx examples/frameworks/mcp-use.ts`.
 */
import assert from 'node:assert/strict';
import { ServicePrincipal } from '@credence/core';
import { startSandbox } from '@credence/sandbox';
import { mcpServersConfig } from '@credence/sdk-adapter';
import { MCPClient } from 'mcp-use/client';

const enterprise = await startSandbox();
const bot = ServicePrincipal.fromEnv(enterprise.principals['reporting-bot'].env);

// #region connect
const client = new MCPClient({ mcpServers: mcpServersConfig(bot, { servers: ['issues', 'documents'] }) });
const sessions = await client.createAllSessions();
// #endregion
console.log(`connected to ${Object.keys(sessions).join(', ')}`);

// The token is revoked before twenty calls at the same time, and no call fails.
const { issues } = sessions;
assert.ok(issues);
enterprise.authorizationServers.main.revokeTokens();
const results = await Promise.all(Array.from({ length: 20 }, async () => issues.callTool('list_issues', {})));
assert.ok(results.every((result) => /H-101/u.test(JSON.stringify(result))));

// The server asks for another scope, which the bot gets.
const created = await issues.callTool('create_issue', { title: 'Printer', body: 'Out of paper.' });
assert.ok(created.isError !== true);

// `createAllSessions` rejects if one server refuses, so a server that may refuse gets a session of its own.
// #region refused
client.addServer('database', mcpServersConfig(bot)['database'] ?? {});
await assert.rejects(client.createSession('database'), /refuses the client "reporting-bot".*contact: idp-admin/u);
// #endregion

await client.closeAllSessions();
await bot.close();
await enterprise.close();
