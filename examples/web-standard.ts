/**
 * A token endpoint (in Hono) and a protected resource (without an MCP SDK) as functions from a `Request` to a `Response`. They
 * run on Bun, Deno, workers and any framework. The bot is a public client: it has no secret at the authorization server, and its
 * access tokens are bound to its DPoP key. Run it with `npx tsx examples/web-standard.ts`.
 */
import assert from 'node:assert/strict';
import { generateDpopKeyPair, isCredenceError, noClientAuth, privateKeyJwt, ServicePrincipal } from '@credence/core';
import {
  accessTokenClaims,
  dpopNonces,
  honoIdJag,
  idJagTokenEndpoint,
  withIdJagMetadata,
} from '@credence/authorization-server';
import {
  accessTokenGate,
  accessTokenVerifier,
  browserAccess,
  missingScopes,
  protectedResourceMetadata,
  requiredScopes,
} from '@credence/resource-server';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { startIdentityProvider } from './support/identity-provider.ts';
import { listen } from './support/listen.ts';

const idp = await startIdentityProvider();
const as = await listen();
const mcp = await listen();
const issuer = as.origin; // https://as.example
const resource = `${mcp.origin}/mcp`; // https://mcp.example/mcp

// #region authorization-server
const { privateKey, publicKey } = await generateKeyPair('ES256');
const publicJwk = { ...(await exportJWK(publicKey)), kid: 'as-2026', alg: 'ES256', use: 'sig' };
const tokenEndpoint = `${issuer}/token`;
const idJag = idJagTokenEndpoint({
  issuer,
  issuers: { [idp.issuer]: {} },
  resources: { [resource]: { scopes: ['issues:read', 'issues:write'], requireDpop: true } },
  allowPublicClients: true,
  authenticateClient: ({ method, clientId }) => (method === 'none' && clientId === 'bot-at-as' ? clientId : undefined),
  issueAccessToken: (redemption) =>
    new SignJWT(accessTokenClaims(redemption, issuer))
      .setProtectedHeader({ alg: 'ES256', kid: publicJwk.kid, typ: 'at+jwt' })
      .sign(privateKey),
  dpop: { tokenEndpoint, nonces: dpopNonces() },
});
const authorizationServer = new Hono();
authorizationServer.post('/token', honoIdJag(idJag));
authorizationServer.get('/jwks', (context) => context.json({ keys: [publicJwk] }));
authorizationServer.get('/.well-known/oauth-authorization-server', (context) =>
  context.json(
    withIdJagMetadata(
      { issuer, token_endpoint: tokenEndpoint, jwks_uri: `${issuer}/jwks`, grant_types_supported: [] },
      { dpop: {} },
    ),
  ),
);
// #endregion

// #region resource
const metadata = protectedResourceMetadata({
  resource,
  authorizationServers: [issuer],
  dpopBoundAccessTokensRequired: true,
});
const gate = accessTokenGate({
  verifier: accessTokenVerifier({ issuer, resource, jwt: {} }),
  resourceMetadataUrl: metadata.url,
  dpop: { nonces: dpopNonces() },
  requireDpop: true,
});
const NOT_JSON = { code: -32700, message: 'Parse error' };
const scopesOfTools = { tools: { list_issues: ['issues:read'], close_all: ['issues:write'] } };

const pages = browserAccess(); // no web page may call the server
const serveResource = (request: Request) => pages.fetch(request, handle);

async function handle(request: Request): Promise<Response> {
  if (new URL(request.url).pathname === metadata.path) return metadata.handler(request);
  const caller = await gate(request);
  if (caller instanceof Response) return caller; // 401 or 503
  const message: unknown = await request.json().catch(() => undefined);
  if (message === undefined) return Response.json({ jsonrpc: '2.0', error: NOT_JSON, id: null }, { status: 400 });
  if (missingScopes(message, caller, scopesOfTools).length > 0) {
    const scope = requiredScopes(message, scopesOfTools).join(' ');
    const challenge = `DPoP error="insufficient_scope", scope="${scope}"`;
    return new Response(null, { status: 403, headers: { 'www-authenticate': challenge } });
  }
  return Response.json({ clientId: caller.clientId, scopes: caller.scopes });
}
// #endregion

const listeners = { as: getRequestListener(authorizationServer.fetch), mcp: getRequestListener(serveResource) };
as.serve((request, response) => void listeners.as(request, response));
mcp.serve((request, response) => void listeners.mcp(request, response));

const bot = new ServicePrincipal({
  idp: { issuer: idp.issuer, credential: privateKeyJwt(idp.credential) },
  servers: {
    issues: {
      url: resource,
      issuer,
      credential: noClientAuth({ clientId: 'bot-at-as' }),
      dpop: await generateDpopKeyPair(),
      scopes: ['issues:read'],
    },
  },
});
const call = (name: string) =>
  bot.fetchFor('issues')(resource, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name } }),
  });
const answer: unknown = await (await call('list_issues')).json();
console.log(answer);
assert.deepEqual(answer, { clientId: 'bot-at-as', scopes: ['issues:read'] });

const refusal = await call('close_all').catch((error: unknown) => error);
assert.ok(isCredenceError(refusal) && refusal.code === 'insufficient_scope');
console.log(refusal.summary);

await bot.close();
await Promise.all([as.close(), mcp.close(), idp.close()]);
