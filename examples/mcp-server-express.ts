/**
 * An MCP server (SDK v1, Express) that accepts bearer and DPoP-bound access tokens of an authorization server that redeems
 * ID-JAGs. Each tool requires a scope, and a tool can read who calls it. Run it with `npx tsx examples/mcp-server-express.ts`.
 */
import assert from 'node:assert/strict';
import { clientSecret, generateDpopKeyPair, privateKeyJwt, ServicePrincipal } from '@credence/core';
import { connectMcp } from '@credence/sdk-adapter';
// #region imports
import { randomUUID } from 'node:crypto';
import {
  type AccessRefusal,
  accessTokenVerifier,
  boundSessions,
  browserAccess,
  callerOf,
  expressAccessToken,
  jsonRpcErrors,
  protectedResourceMetadata,
  toolScopeMeta,
  toolScopes,
} from '@credence/resource-server';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import express from 'express';
// #endregion
import { startAuthorizationServer } from './support/authorization-server.ts';
import { startIdentityProvider } from './support/identity-provider.ts';
import { listen } from './support/listen.ts';

const { origin, serve, close } = await listen();
const resource = `${origin}/mcp`; // https://mcp.example/mcp
const idp = await startIdentityProvider();
const as = await startAuthorizationServer({ idpIssuer: idp.issuer, resource });
const { issuer, serverSecret } = as;

// #region server
function issueTracker() {
  const server = new McpServer({ name: 'issues', version: '1.0.0' });
  // #region caller
  server.registerTool('whoami', { description: 'Returns who is calling' }, (extra) => {
    const { subject, clientId, groups, proven } = callerOf(extra);
    return { content: [{ type: 'text', text: JSON.stringify({ subject, clientId, groups, proven }) }] };
  });
  // #endregion
  // #region tool-scope-meta
  const closeAll = { description: 'Closes every issue', _meta: { ...toolScopeMeta(['issues:write']) } };
  // #endregion
  server.registerTool('close_all', closeAll, () => ({ content: [] }));
  return server;
}
// #endregion

// #region serve
const transports = new Map<string, StreamableHTTPServerTransport>();

/** Serves a request of a session, or opens one. `boundSessions` has checked that it is a session of the caller. */
async function serveMcp(request: express.Request, response: express.Response) {
  const transport = transports.get(request.header('mcp-session-id') ?? '') ?? (await openSession());
  await transport.handleRequest(request, response, request.body);
}

async function openSession() {
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    onsessioninitialized: (id) => void transports.set(id, transport),
    onsessionclosed: (id) => void transports.delete(id),
  });
  await issueTracker().connect(transport);
  return transport;
}
// #endregion

const refused: AccessRefusal[] = [];
// #region mcp-server
const metadata = protectedResourceMetadata({ resource, authorizationServers: [issuer] });
const verifier = accessTokenVerifier({
  issuer,
  resource,
  introspection: { clientId: 'mcp-server', clientSecret: serverSecret, cacheSeconds: 5 }, // or jwt: {}
  onRefused: (refusal) => refused.push(refusal), // { code, reason, remedy, clientId, ... }: for your log
});

const app = express();
app.use(metadata.express); // every web page may read the metadata
app.use(browserAccess({ origins: ['https://app.example'] }).express); // the web pages that may call the server
app.all(
  '/mcp',
  expressAccessToken({ verifier, scope: 'issues:read', resourceMetadataUrl: metadata.url }),
  boundSessions().express, // a session belongs to the bot that opened it
  express.json({ limit: '4mb' }),
  toolScopes({
    tools: { whoami: ['issues:read'], close_all: ['issues:write'] },
    resourceMetadataUrl: metadata.url,
  }),
  (request, response) => serveMcp(request, response),
);
app.use(jsonRpcErrors());
// #endregion
serve(app);

const unauthenticated = await fetch(resource, { method: 'POST' });
assert.equal(unauthenticated.status, 401);
assert.match(unauthenticated.headers.get('www-authenticate') ?? '', /resource_metadata="[^"]+", DPoP algs=/);

for (const dpop of [undefined, await generateDpopKeyPair()]) {
  const bot = new ServicePrincipal({
    idp: { issuer: idp.issuer, credential: privateKeyJwt(idp.credential) },
    servers: {
      issues: {
        url: resource,
        issuer,
        credential: clientSecret({ clientId: 'bot-at-as', secret: as.botSecret }),
        scopes: ['issues:read'],
        ...(dpop !== undefined && { dpop }),
      },
    },
  });
  const client = await connectMcp(bot, 'issues');
  const { content } = await client.callTool({ name: 'whoami' });
  const [answer] = content as { text: string }[];
  console.log(answer?.text);
  assert.deepEqual(JSON.parse(answer?.text ?? ''), {
    subject: `${idp.issuer}#reporting-bot`,
    clientId: 'bot-at-as',
    groups: ['engineering'],
    proven: dpop !== undefined,
  });
  // The bot has no issues:write, and the server answers with insufficient_scope.
  await assert.rejects(client.callTool({ name: 'close_all' }), { code: 'insufficient_scope' });
  await client.close();
  await bot.close();
}

// The session of one bot is unknown to another, and a page of another origin may not call the server.
const intruder = await fetch(resource, { method: 'POST', headers: { origin: 'https://evil.example' } });
assert.equal(intruder.status, 403);

const unknown = await fetch(resource, { method: 'POST', headers: { authorization: 'Bearer nonsense' } });
assert.equal(unknown.status, 401);
for (const { code, reason, remedy } of refused) console.log(`${code}: ${reason}. ${remedy}`);
assert.deepEqual(
  refused.map(({ code }) => code),
  ['no_token', 'inactive'],
);
assert.deepEqual(
  as.trail.map(({ granted, tokenType }) => ({ granted, tokenType })),
  [
    { granted: true, tokenType: 'Bearer' },
    { granted: true, tokenType: 'DPoP' },
  ],
);
await Promise.all([close(), as.close(), idp.close()]);
