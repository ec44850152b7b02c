import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type AccessTokenInfo,
  accessTokenVerifier,
  callerOf,
  honoAccessToken,
  protectedResourceMetadata,
} from '@credence/resource-server';
import {
  accessTokenClaims,
  honoIdJag,
  idJagTokenEndpoint,
  type RedeemAuditRecord,
  withIdJagMetadata,
} from '@credence/authorization-server';
import { createSigningKeys } from '@credence/identity-provider';
import { getRequestListener } from '@hono/node-server';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Client, CrossAppAccessProvider, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { Hono } from 'hono';
import * as z from 'zod';
import { goodClaims, goodHeader, IDP } from './support/bad-grants.ts';
import { Issuer } from './support/issuer.ts';
import { SECRETS } from './support/targets.ts';

const servers: Server[] = [];
let idp: Issuer;
let issuer: string;
let resource: string;
let records: RedeemAuditRecord[];
let mcp: ReturnType<typeof createMcpHandler>;

async function listen(): Promise<{ origin: string; serve: (listener: RequestListener) => void }> {
  const server = createServer();
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { origin, serve: (listener) => void server.on('request', listener) };
}

/** Starts an authorization server and an MCP server, both made of Web-standard handlers. */
beforeEach(async () => {
  records = [];
  idp = await Issuer.create(['ES256']);
  const [as, rs, keys] = await Promise.all([listen(), listen(), createSigningKeys()]);
  issuer = as.origin;
  resource = `${rs.origin}/mcp`;

  const endpoint = idJagTokenEndpoint({
    issuer,
    issuers: { [IDP]: { jwks: idp.jwks } },
    resources: { [resource]: { scopes: ['issues:read'] } },
    authenticateClient: (client) =>
      'clientSecret' in client && SECRETS[client.clientId] === client.clientSecret ? client.clientId : undefined,
    issueAccessToken: (redemption) => keys.sign(accessTokenClaims(redemption, issuer), { typ: 'at+jwt' }),
    audit: (record) => records.push(record),
  });
  const authorization = new Hono();
  authorization.post('/token', honoIdJag(endpoint));
  authorization.get('/jwks', (context) => context.json(keys.publicJwks()));
  authorization.get('/.well-known/oauth-authorization-server', (context) =>
    context.json(
      withIdJagMetadata({
        issuer,
        token_endpoint: `${issuer}/token`,
        authorization_endpoint: `${issuer}/authorize`,
        jwks_uri: `${issuer}/jwks`,
        response_types_supported: ['code'],
        token_endpoint_auth_methods_supported: ['client_secret_basic'],
      }),
    ),
  );

  const metadata = protectedResourceMetadata({ resource, authorizationServers: [issuer] });
  const verifier = accessTokenVerifier({ issuer, resource, jwt: {} });
  mcp = createMcpHandler(() => {
    const server = new McpServer({ name: 'issues', version: '1.0.0' });
    server.registerTool('whoami', { inputSchema: z.object({}) }, (_input, context) => ({
      content: [{ type: 'text', text: String(callerOf(context).subject) }],
    }));
    return server;
  });
  const app = new Hono<{ Variables: { auth: AccessTokenInfo } }>();
  app.get(metadata.path, (context) => metadata.handler(context.req.raw));
  app.use('/mcp', honoAccessToken({ verifier, resourceMetadataUrl: metadata.url }));
  app.all('/mcp', (context) => mcp.fetch(context.req.raw, { authInfo: context.get('auth') }));

  // otherwise node-server replaces the global Response, and the responses of fetch are no longer instances of it
  const own = { overrideGlobalObjects: false };
  const serveAs = getRequestListener(authorization.fetch, own);
  const serveRs = getRequestListener(app.fetch, own);
  as.serve((request, response) => void serveAs(request, response));
  rs.serve((request, response) => void serveRs(request, response));
});
afterEach(async () => {
  await mcp.close();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

function connect(claims: Record<string, unknown>): { client: Client; transport: StreamableHTTPClientTransport } {
  const authProvider = new CrossAppAccessProvider({
    clientId: 'bot',
    clientSecret: SECRETS['bot'] ?? '',
    expectedIssuer: issuer,
    assertion: ({ authorizationServerUrl, resourceUrl }) =>
      idp.sign(
        JSON.stringify({ ...goodClaims({ audience: authorizationServerUrl }), resource: resourceUrl, ...claims }),
        goodHeader(),
      ),
  });
  return {
    client: new Client({ name: 'v2', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } }),
    transport: new StreamableHTTPClientTransport(new URL(resource), { authProvider }),
  };
}

describe("the MCP SDK v2's own CrossAppAccessProvider", () => {
  it('connects and calls a tool with a valid ID-JAG', async () => {
    const { client, transport } = connect({});
    await client.connect(transport);
    const { content } = await client.callTool({ name: 'whoami', arguments: {} });
    expect(content).toEqual([{ type: 'text', text: `${IDP}#bot-7` }]);
    await client.close();
    expect(records).toMatchObject([{ granted: true, clientId: 'bot', resource }]);
  });

  it('gets an error with an ID-JAG that was issued to another client', async () => {
    const warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
    const { client, transport } = connect({ client_id: 'thief' });
    await expect(client.connect(transport)).rejects.toThrow(/issued for another client/u);
    await client.close();
    expect(new Set(records.map(({ reason }) => reason))).toEqual(new Set(['wrong_client: issued for "thief"']));
    // the SDK warns that its provider stores no tokens that it could invalidate after the refusal
    expect(warn.mock.calls).toEqual([[expect.stringMatching(/^\[mcp-sdk\] OAuth "invalid_grant"/u)]]);
  });
});
