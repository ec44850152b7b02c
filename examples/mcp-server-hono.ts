/**
 * An MCP server (SDK v2, Hono) that accepts access tokens of an authorization server that redeems ID-JAGs. The SDK answers with
 * 403 if the scope of a tool is missing. Run it with `npx tsx examples/mcp-server-hono.ts`.
 */
import assert from 'node:assert/strict';
import { clientSecret, generateDpopKeyPair, privateKeyJwt, ServicePrincipal } from '@credence/core';
import { connectMcp } from '@credence/sdk-adapter/v2';
import {
  type AccessRefusal,
  type AccessTokenInfo,
  accessTokenVerifier,
  boundSessions,
  browserAccess,
  callerOf,
  honoAccessToken,
  protectedResourceMetadata,
} from '@credence/resource-server';
import { getRequestListener } from '@hono/node-server';
import { createMcpHandler, McpServer, requireScopes } from '@modelcontextprotocol/server';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import * as z from 'zod';
import { startAuthorizationServer } from './support/authorization-server.ts';
import { startIdentityProvider } from './support/identity-provider.ts';
import { listen } from './support/listen.ts';

const { origin, serve, close } = await listen();
const resource = `${origin}/mcp`; // https://mcp.example/mcp
const idp = await startIdentityProvider();
const as = await startAuthorizationServer({ idpIssuer: idp.issuer, resource });
const { issuer, serverSecret } = as;

const refused: AccessRefusal[] = [];
const metadata = protectedResourceMetadata({ resource, authorizationServers: [issuer] });
const verifier = accessTokenVerifier({
  issuer,
  resource,
  introspection: { clientId: 'mcp-server', clientSecret: serverSecret, cacheSeconds: 5 }, // or jwt: {}
  onRefused: (refusal) => refused.push(refusal), // { code, reason, remedy, clientId, ... }: for your log
});

const mcp = createMcpHandler(() => {
  const server = new McpServer({ name: 'issues', version: '1.0.0' });
  server.registerTool(
    'whoami',
    { description: 'Returns who is calling', inputSchema: z.object({}), scopeChallenge: requireScopes('issues:read') },
    (_input, context) => {
      const { subject, clientId, groups, proven } = callerOf(context);
      return { content: [{ type: 'text', text: JSON.stringify({ subject, clientId, groups, proven }) }] };
    },
  );
  server.registerTool(
    'close_all',
    { description: 'Closes every issue', inputSchema: z.object({}), scopeChallenge: requireScopes('issues:write') },
    () => ({ content: [] }),
  );
  return server;
});

// #region app
const TOO_LARGE = { jsonrpc: '2.0', error: { code: -32000, message: 'Payload Too Large' }, id: null };
const app = new Hono<{ Variables: { auth: AccessTokenInfo } }>();
app.all(metadata.path, (context) => metadata.handler(context.req.raw)); // every web page may read the metadata
app.use(browserAccess({ origins: ['https://app.example'] }).hono); // the web pages that may call the server
app.use('/mcp', bodyLimit({ maxSize: 4 * 1024 * 1024, onError: (context) => context.json(TOO_LARGE, 413) }));
app.use('/mcp', honoAccessToken({ verifier, scope: 'issues:read', resourceMetadataUrl: metadata.url }));
app.use('/mcp', boundSessions().hono); // a session belongs to the bot that opened it
app.all('/mcp', (context) => mcp.fetch(context.req.raw, { authInfo: context.get('auth') }));
// #endregion
const listener = getRequestListener(app.fetch);
serve((request, response) => void listener(request, response));

const bot = new ServicePrincipal({
  idp: { issuer: idp.issuer, credential: privateKeyJwt(idp.credential) },
  servers: {
    issues: {
      url: resource,
      issuer,
      credential: clientSecret({ clientId: 'bot-at-as', secret: as.botSecret }),
      scopes: ['issues:read'],
      dpop: await generateDpopKeyPair(),
    },
  },
});
const client = await connectMcp(bot, 'issues');
const { content } = await client.callTool({ name: 'whoami', arguments: {} });
const [answer] = content as { text: string }[];
console.log(answer?.text);
assert.deepEqual(JSON.parse(answer?.text ?? ''), {
  subject: `${idp.issuer}#reporting-bot`,
  clientId: 'bot-at-as',
  groups: ['engineering'],
  proven: true,
});
await assert.rejects(client.callTool({ name: 'close_all', arguments: {} }), { code: 'insufficient_scope' });

// A stolen DPoP-bound access token is refused without the key.
const { value } = await bot.token('issues');
const stolen = await fetch(resource, { method: 'POST', headers: { authorization: `Bearer ${value}` } });
assert.equal(stolen.status, 401);
const [theft] = refused;
assert.deepEqual([theft?.code, theft?.clientId], ['bound_to_key', 'bot-at-as']);

const tooLarge = await fetch(resource, { method: 'POST', body: 'x'.repeat(5_000_000) });
assert.deepEqual([tooLarge.status, tooLarge.headers.get('content-type')], [413, 'application/json']);

await client.close();
await bot.close();
await mcp.close();
await Promise.all([close(), as.close(), idp.close()]);
