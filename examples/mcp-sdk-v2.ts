/**
 * SDK v2 (`@modelcontextprotocol/client`): the same names from `/v2`, on revision 2026-07-28 where the server has it and on the 2025
 * revisions where it has not. Runs by `npx tsx examples/mcp-sdk-v2.ts`.
 */
import assert from 'node:assert/strict';
import { isCredenceError, ServicePrincipal } from '@credence/core';
import { startSandbox } from '@credence/sandbox';
import { connectMcp, emaCapabilities, mcpTransport } from '@credence/sdk-adapter/v2';
import { Client } from '@modelcontextprotocol/client';

const enterprise = await startSandbox();
const bot = ServicePrincipal.fromEnv(enterprise.principals['reporting-bot'].env);

// The revision is negotiated; `versionNegotiation` pins it or keeps to the old ones.
// #region connect
const client = await connectMcp(bot, 'issues');
console.log(`connected, revision ${client.getNegotiatedProtocolVersion()}`);
const answer = await client.callTool({ name: 'list_issues', arguments: {} });
// #endregion
assert.ok(answer.content.length > 0);

// Its token is revoked under a hundred calls: one new token for all of them, and none fails.
const { requests } = enterprise.authorizationServers.main;
const tokensBefore = requests.token;
enterprise.authorizationServers.main.revokeTokens();
await Promise.all(Array.from({ length: 100 }, async () => client.callTool({ name: 'list_issues', arguments: {} })));
console.log(`revoked under 100 calls: ${requests.token - tokensBefore} new token`);
assert.equal(requests.token - tokensBefore, 1);
await client.close();

// A refusal is the CredenceError itself, though it came in the middle of the negotiation.
try {
  await connectMcp(bot, 'database');
  assert.fail('the database is not granted to this bot');
} catch (error) {
  if (!isCredenceError(error)) throw error;
  console.log(error.summary);
  assert.deepEqual([error.leg, error.contact], ['exchange', 'idp-admin']);
}

// By hand, for who builds the client and its transport. Write scopes are added only if this says so.
// #region approve
const own = new Client(
  { name: 'my-agent', version: '1.0.0' },
  { capabilities: emaCapabilities, versionNegotiation: { mode: 'auto' } },
);
const fetch = bot.fetchFor('issues', { approveStepUp: ({ scopes }) => !scopes.includes('issues:write') });
await own.connect(mcpTransport(bot, 'issues', { fetch }));
// #endregion
const write = own.callTool({ name: 'create_issue', arguments: { title: 'Printer', body: 'Out of paper.' } });
await assert.rejects(write, { code: 'insufficient_scope', contact: 'you' });
await own.close();

await bot.close();
await enterprise.close();
