import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  Client,
  CrossAppAccessProvider,
  discoverAndRequestJwtAuthGrant,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client';
import type { PrincipalName, ServerName } from './principals/seed.ts';
import type { Sandbox } from './sandbox.ts';
import { startSandbox } from './start-sandbox.ts';

let sandbox: Sandbox;

beforeEach(async () => {
  sandbox = await startSandbox();
});

afterEach(async () => {
  await sandbox.close();
});

/** Gets an ID token for the principal with a client secret. The SDK's helper exchanges only ID tokens and sends only a secret. */
async function idTokenOf(principal: PrincipalName): Promise<string> {
  const { clientId, clientSecret } = sandbox.principals[principal].secretClient;
  const response = await fetch(sandbox.idp.tokenEndpoint, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      scope: 'openid',
      client_id: clientId,
      client_secret: clientSecret,
    }),
  });
  const { id_token: idToken } = (await response.json()) as { id_token: string };
  return idToken;
}

function connectAs(principal: PrincipalName, server: ServerName) {
  const { secretClient, servers } = sandbox.principals[principal];
  const target = servers[server];
  const authProvider = new CrossAppAccessProvider({
    clientId: target.clientId,
    clientSecret: target.clientSecret,
    expectedIssuer: target.issuer,
    assertion: async ({ authorizationServerUrl, resourceUrl, scope, fetchFn }) => {
      const { jwtAuthGrant } = await discoverAndRequestJwtAuthGrant({
        idpUrl: sandbox.idp.issuer,
        audience: authorizationServerUrl,
        resource: resourceUrl,
        idToken: await idTokenOf(principal),
        clientId: secretClient.clientId,
        clientSecret: secretClient.clientSecret,
        ...(scope !== undefined && { scope }),
        fetchFn,
      });
      return jwtAuthGrant;
    },
  });
  const client = new Client({ name: 'v2', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } });
  return { client, transport: new StreamableHTTPClientTransport(new URL(target.url), { authProvider }) };
}

describe("the MCP SDK v2's own CrossAppAccessProvider", () => {
  it.each([
    ['reporting-bot', 'documents', 'read_document', { id: 'weekly-report' }, { owner: 'jonas' }],
    ['triage-bot', 'issues', 'list_issues', { status: 'closed' }, { total: 1 }],
    ['analytics-bot', 'database', 'query', { sql: 'SELECT max(id) AS id FROM orders' }, { rows: [[5007]] }],
  ] as const)('connects %s with its ID token to %s', async (principal, server, tool, args, expected) => {
    const { client, transport } = connectAs(principal, server);
    await client.connect(transport);
    const result = await client.callTool({ name: tool, arguments: args });
    expect(result.structuredContent).toMatchObject(expected);
    await client.close();
    expect(sandbox.audit.records.at(-1)).toMatchObject({
      where: 'as',
      leg: 'redeem',
      principal,
      server,
      granted: true,
    });
  });

  it('gets access_denied if the policy denies the principal', async () => {
    const { client, transport } = connectAs('reporting-bot', 'database');
    await expect(client.connect(transport)).rejects.toThrow(/access_denied - reporting-bot is not granted database/u);
    await client.close();
    expect(sandbox.audit.records.at(-1)).toMatchObject({ where: 'idp', server: 'database', error: 'access_denied' });
  });
});
