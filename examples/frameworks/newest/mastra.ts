/**
 * A bot in `@mastra/mcp` 2, which needs Node 22 and takes a `fetch`. Run it with `npm ci --prefix examples/frameworks/newest`, then
 * `npx tsx examples/frameworks/newest/mastra.ts`.
 */
import assert from 'node:assert/strict';
import { ServicePrincipal } from '@credence/core';
import { startSandbox } from '@credence/sandbox';
import { mcpServersConfig } from '@credence/sdk-adapter';
import { noopObserve } from '@mastra/core/tools';
import { MCPClient } from '@mastra/mcp';

const enterprise = await startSandbox();
const bot = ServicePrincipal.fromEnv(enterprise.principals['reporting-bot'].env);

// #region connect
const servers = Object.fromEntries(
  Object.entries(mcpServersConfig(bot, { framework: 'mastra' })).map(([name, server]) => [
    name,
    // the servers of the sandbox speak an earlier revision than 2026-07-28, the default of Mastra 2
    { ...server, protocolVersion: 'legacy' as const },
  ]),
);
const mcp = new MCPClient({ servers });
const { tools, errors } = await mcp.listToolsWithErrors();
// #endregion

// The database is not granted to this bot. The other tools are there, and the error says whom to ask.
console.log(`${Object.keys(tools).length} tools; ${errors['database']?.split('\n')[0]}`);
assert.deepEqual(Object.keys(errors), ['database']);
assert.match(errors['database'] ?? '', /refuses the client "reporting-bot".*contact: idp-admin/u);

// The token is revoked before twenty calls at the same time, and no call fails.
enterprise.authorizationServers.main.revokeTokens();
const context = { observe: noopObserve }; // an agent passes its own
const results = await Promise.all(
  Array.from({ length: 20 }, async () => tools['issues_list_issues']?.execute?.({}, context)),
);
assert.ok(results.every((result) => /H-101/u.test(JSON.stringify(result))));

// The server asks for another scope, which the bot gets.
const created = await tools['issues_create_issue']?.execute?.({ title: 'Printer', body: 'Out of paper.' }, context);
assert.match(JSON.stringify(created), /reporting-bot/u);

await mcp.disconnect();
await bot.close();
await enterprise.close();
