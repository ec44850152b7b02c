/**
 * Ways to connect a client of MCP SDK v1 (`@modelcontextprotocol/sdk`) as a service principal: `connectMcp`; the principal's
 * `fetch` in a transport that you create; `mcpTransport`; an auth provider, for code that accepts nothing else. Run it with
 * `npx tsx examples/mcp-sdk.ts`.
 */
import assert from 'node:assert/strict';
import { isCredenceError, ServicePrincipal } from '@credence/core';
import { startSandbox } from '@credence/sandbox';
import { connectMcp, emaCapabilities, mcpAuthProvider, mcpTransport, safeSchemaValidator } from '@credence/sdk-adapter';
// #region sdk
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
// #endregion

const enterprise = await startSandbox();
const bot = ServicePrincipal.fromEnv(enterprise.principals['reporting-bot'].env);
const list = { name: 'list_issues', arguments: {} };

// One call connects and declares the capability. If the connection is refused, it closes everything that it opened.
// #region connect
const client = await connectMcp(bot, 'issues');
const { tools } = await client.listTools();
const answer = await client.callTool({ name: 'list_issues', arguments: {} });
// #endregion
console.log(`connected: ${tools.map(({ name }) => name).join(', ')}`);
assert.ok('content' in answer);

// The token is revoked before a hundred parallel calls: one new token serves all of them, and no call fails.
const { requests } = enterprise.authorizationServers.main;
const tokensBefore = requests.token;
enterprise.authorizationServers.main.revokeTokens();
await Promise.all(Array.from({ length: 100 }, async () => client.callTool(list)));
console.log(`revoked before 100 calls: ${requests.token - tokensBefore} new token`);
assert.equal(requests.token - tokensBefore, 1);

// This tool needs an additional scope. The bot requests it only when the server challenges the call.
await client.callTool({ name: 'create_issue', arguments: { title: 'Printer', body: 'Out of paper.' } });
await client.close();

// The error of a refusal contains who refused the request, a remedy and whom to contact.
// #region refused
try {
  await connectMcp(bot, 'database');
  assert.fail('the database is not granted to this bot');
} catch (error) {
  if (!isCredenceError(error)) throw error;
  console.log(error.summary);
  assert.deepEqual([error.leg, error.contact], ['exchange', 'idp-admin']);
}
// #endregion

// Creates the client and its transport directly, and passes the principal's fetch.
// #region fetch
const mcp = new Client({ name: 'my-agent', version: '1.0.0' });
await mcp.connect(new StreamableHTTPClientTransport(bot.server('issues').url, { fetch: bot.fetchFor('issues') }));
// #endregion
assert.ok('content' in (await mcp.callTool(list)));
await mcp.close();

// Creates the client, with a transport of `mcpTransport`.
// #region transport
const own = new Client(
  { name: 'my-agent', version: '1.0.0' },
  { capabilities: emaCapabilities, jsonSchemaValidator: safeSchemaValidator() },
);
await own.connect(mcpTransport(bot, 'documents'));
// #endregion
assert.ok((await own.listTools()).tools.some(({ name }) => name === 'read_document'));
await own.close();

// For code that creates the transport itself and accepts only an auth provider.
// #region provider
const authProvider = mcpAuthProvider(bot, 'issues');
const transport = new StreamableHTTPClientTransport(bot.server('issues').url, { authProvider });
// #endregion
const plain = new Client({ name: 'my-framework', version: '1.0.0' });
await plain.connect(transport);
assert.ok('content' in (await plain.callTool(list)));
await plain.close();

await bot.close();
await enterprise.close();
