// A bot calls a tool of an MCP server with its own identity: no browser, no API key.
import { clientSecret, privateKeyJwt, ServicePrincipal } from '@credence/core';
import { startSandbox } from '@credence/sandbox';
import { connectMcp } from '@credence/sdk-adapter';
import * as z from 'zod';

const enterprise = await startSandbox(); // an IdP, two authorization servers and three MCP servers, on loopback
const me = enterprise.principals['reporting-bot'];
const { url, issuer, clientId, clientSecret: secret } = me.servers.issues;

const bot = new ServicePrincipal({
  idp: { issuer: enterprise.idp.issuer, credential: privateKeyJwt({ clientId: me.clientId, key: me.privateKey }) },
  servers: { issues: { url, issuer, credential: clientSecret({ clientId, secret }) } },
});

const client = await connectMcp(bot, 'issues');
const { structuredContent } = await client.callTool({ name: 'list_issues', arguments: {} });
const Issues = z.object({ issues: z.array(z.object({ id: z.string(), title: z.string() })) });
const { issues } = Issues.parse(structuredContent);
console.log(`The issues that ${me.name} may read:`);
for (const { id, title } of issues) console.log(`  ${id}  ${title}`);

await client.close();
await bot.close();
await enterprise.close();
if (issues.length === 0) process.exitCode = 1;
