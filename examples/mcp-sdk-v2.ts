/**
 * A client of MCP SDK v2 (`@modelcontextprotocol/client`), with the functions of `@credence/sdk-adapter/v2`. The client uses
 * revision 2026-07-28 if the server supports it, and a 2025 revision otherwise. Run it with `npx tsx examples/mcp-sdk-v2.ts`.
 */
import assert from 'node:assert/strict';
import { isCredenceError, ServicePrincipal } from '@credence/core';
import { startSandbox } from '@credence/sandbox';
import { connectMcp, emaCapabilities, mcpTransport, safeSchemaValidator } from '@credence/sdk-adapter/v2';
// #region sdk
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
// #endregion

const enterprise = await startSandbox();
const bot = ServicePrincipal.fromEnv(enterprise.principals['reporting-bot'].env);

// The client negotiates the revision. The option `versionNegotiation` selects a fixed revision or only the 2025 revisions.
// #region connect
const client = await connectMcp(bot, 'issues');
console.log(`connected, revision ${client.getNegotiatedProtocolVersion()}`);
const answer = await client.callTool({ name: 'list_issues', arguments: {} });
// #endregion
assert.ok(answer.content.length > 0);

// The token is revoked before a hundred parallel calls: one new token serves all of them, and no call fails.
const { requests } = enterprise.authorizationServers.main;
const tokensBefore = requests.token;
enterprise.authorizationServers.main.revokeTokens();
await Promise.all(Array.from({ length: 100 }, async () => client.callTool({ name: 'list_issues', arguments: {} })));
console.log(`revoked before 100 calls: ${requests.token - tokensBefore} new token`);
assert.equal(requests.token - tokensBefore, 1);
await client.close();

// A refusal during the negotiation rejects with the CredenceError itself.
try {
  await connectMcp(bot, 'database');
  assert.fail('the database is not granted to this bot');
} catch (error) {
  if (!isCredenceError(error)) throw error;
  console.log(error.summary);
  assert.deepEqual([error.leg, error.contact], ['exchange', 'idp-admin']);
}

// Creates the client and its transport directly, and passes the principal's fetch.
const mcp = new Client({ name: 'my-agent', version: '1.0.0' });
await mcp.connect(new StreamableHTTPClientTransport(bot.server('issues').url, { fetch: bot.fetchFor('issues') }));
assert.ok((await mcp.listTools()).tools.some(({ name }) => name === 'list_issues'));
await mcp.close();

// The same with the extension declared and a transport of `mcpTransport`. `approveStepUp` decides which additional scopes are requested.
// #region approve
const own = new Client(
  { name: 'my-agent', version: '1.0.0' },
  {
    capabilities: emaCapabilities,
    versionNegotiation: { mode: 'auto' },
    jsonSchemaValidator: safeSchemaValidator(),
  },
);
const fetch = bot.fetchFor('issues', { approveStepUp: ({ scopes }) => !scopes.includes('issues:write') });
await own.connect(mcpTransport(bot, 'issues', { fetch }));
// #endregion
const write = own.callTool({ name: 'create_issue', arguments: { title: 'Printer', body: 'Out of paper.' } });
await assert.rejects(write, { code: 'insufficient_scope', contact: 'you' });
await own.close();

await bot.close();
await enterprise.close();
