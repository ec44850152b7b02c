/**
 * A program that was written for @langchain/mcp-adapters becomes one of a service principal by two changed lines. The programs are in the
 * folder `from-mcp-adapters`: with `loadTools`, with the class of mcp-adapters, and with a client of the MCP SDK. Run it with
 * `npx tsx examples/from-mcp-adapters.ts`.
 */
import assert from 'node:assert/strict';
import { ServicePrincipal } from '@credence/core';
import { startSandbox } from '@credence/sandbox';

const enterprise = await startSandbox();
const { env } = enterprise.principals['reporting-bot'];
const { issues, documents } = enterprise.servers;

const printed: string[] = [];
const { log } = console;
console.log = (text: string) => void printed.push(text);

// The programs of mcp-adapters need a key for each server. Here the keys are access tokens.
const bot = ServicePrincipal.fromEnv(env);
const keys = { issues: (await bot.token('issues')).value, documents: (await bot.token('documents')).value };
const connection = (url: string, key: string) => ({ url, headers: { authorization: `Bearer ${key}` } });
process.env['MCP_SERVERS'] = JSON.stringify({
  issues: connection(issues.url, keys.issues),
  documents: connection(documents.url, keys.documents),
});
process.env['ISSUES_URL'] = issues.url;
process.env['ISSUES_KEY'] = keys.issues;
await import('./from-mcp-adapters/agent-before.ts');
await import('./from-mcp-adapters/own-client-before.ts');
await bot.close();

// Those of a service principal need its credentials, and no keys. The keys of the other programs are revoked.
for (const name of ['MCP_SERVERS', 'ISSUES_KEY']) delete process.env[name];
enterprise.authorizationServers.main.revokeTokens();
Object.assign(process.env, env);
await import('./from-mcp-adapters/agent-after.ts');
await import('./from-mcp-adapters/agent-same-client.ts');
await import('./from-mcp-adapters/own-client-after.ts');

console.log = log;
await enterprise.close();
for (const line of printed) console.log(line);
assert.equal(printed.length, 5);
assert.equal(new Set(printed).size, 1, 'all programs print the same');
assert.match(printed[0] ?? '', /^Open: H-\d+/u);
