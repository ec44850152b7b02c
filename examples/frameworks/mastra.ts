/**
 * A bot in `@mastra/mcp` 0.14, the last version for Node 20. It takes an auth provider and no `fetch`; `newest/mastra.ts` shows the version for
 * Node 22. Run it with `npm ci --prefix examples/frameworks`, then `npx tsx examples/frameworks/mastra.ts`.
 */
import assert from 'node:assert/strict';
import { isCredenceError, ServicePrincipal } from '@credence/core';
import { startSandbox } from '@credence/sandbox';
import { mcpServersConfig } from '@credence/sdk-adapter';
import { MCPClient } from '@mastra/mcp';

const enterprise = await startSandbox();
const bot = ServicePrincipal.fromEnv(enterprise.principals['reporting-bot'].env);

// Mastra 0.14 does not show why a server refuses. So ask the bot first, and give Mastra the servers that it can reach.
// #region refused
const reachable: string[] = [];
const refused: string[] = [];
for (const name of bot.serverNames) {
  try {
    await bot.token(name);
    reachable.push(name);
  } catch (error) {
    if (!isCredenceError(error)) throw error;
    refused.push(error.summary);
  }
}
// #endregion
console.log(refused.join('\n'));
assert.deepEqual(reachable.toSorted(), ['documents', 'issues']);
assert.match(refused.join('\n'), /refuses the client "reporting-bot".*contact: idp-admin/u);

// #region connect
const mcp = new MCPClient({ servers: mcpServersConfig(bot, { framework: 'mastra-0', servers: reachable }) });
const tools = await mcp.getTools();
// #endregion
console.log(`${Object.keys(tools).length} tools`);

// The token is revoked before twenty calls at the same time, and no call fails.
enterprise.authorizationServers.main.revokeTokens();
const results = await Promise.all(
  Array.from({ length: 20 }, async () => tools['issues_list_issues'].execute({ context: {} })),
);
assert.ok(results.every((result) => /H-101/u.test(JSON.stringify(result))));

await mcp.disconnect();
await bot.close();
await enterprise.close();
