import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Sandbox } from '../sandbox.ts';
import { startSandbox } from '../start-sandbox.ts';
import { connectWithToken, INITIALIZE, post } from '../testing/mcp-client.ts';
import { oauthBot } from '../testing/oauth-bot.ts';

let sandbox: Sandbox;
let url: string;
let reportingToken: string;
let triageToken: string;

beforeAll(async () => {
  sandbox = await startSandbox();
  ({ url } = sandbox.servers.issues);
  reportingToken = await oauthBot(sandbox, 'reporting-bot').accessToken('issues');
  triageToken = await oauthBot(sandbox, 'triage-bot').accessToken('issues');
});

afterAll(async () => {
  await sandbox.close();
});

async function openSession(token: string): Promise<{ 'mcp-session-id': string }> {
  const response = await post(url, token, INITIALIZE);
  await response.text();
  return { 'mcp-session-id': response.headers.get('mcp-session-id') ?? '' };
}

const PING = { jsonrpc: '2.0', id: 2, method: 'ping' };

describe('a protected MCP server', () => {
  it('answers a request without a token with 401, the metadata URL and the scope to request', async () => {
    const response = await post(url, undefined, INITIALIZE);
    expect(response.status).toBe(401);
    const metadataUrl = /resource_metadata="([^"]+)"/u.exec(response.headers.get('www-authenticate') ?? '')?.[1] ?? '';
    expect(response.headers.get('www-authenticate')).toMatch(/^Bearer scope="issues:read", resource_metadata=/u);
    expect(metadataUrl).toBe(`${new URL(url).origin}/.well-known/oauth-protected-resource/mcp`);
    await expect(fetch(metadataUrl).then((answer) => answer.json())).resolves.toMatchObject({
      resource: url,
      authorization_servers: [sandbox.authorizationServers.main.issuer],
      scopes_supported: ['issues:read', 'issues:write'],
    });
  });

  it('accepts a token with one of its scopes, for the tools that need only that scope', async () => {
    const write = await oauthBot(sandbox, 'reporting-bot').accessToken('issues', 'issues:write');
    const { client, call } = await connectWithToken(url, write);
    expect((await client.listTools()).tools).toHaveLength(4);
    const created = await call('create_issue', { title: 'Only write' });
    expect(created.structuredContent).toMatchObject({ author: 'reporting-bot' });
    const session = await openSession(write);
    const read = { jsonrpc: '2.0', id: 5, method: 'tools/call', params: { name: 'list_issues', arguments: {} } };
    const refused = await post(url, write, read, session);
    expect(refused.status).toBe(403);
    expect(refused.headers.get('www-authenticate')).toContain('scope="issues:read"');
    await client.close();
  });

  it('refuses a session to a client that did not open it', async () => {
    const session = await openSession(triageToken);
    expect((await post(url, triageToken, PING, session)).status).toBe(200);
    const before = sandbox.servers.issues.requests.sessionNotFound;
    expect((await post(url, reportingToken, PING, session)).status).toBe(404);
    expect(sandbox.servers.issues.requests.sessionNotFound).toBe(before + 1);
  });

  it('accepts a new access token of the same client in a session', async () => {
    const session = await openSession(reportingToken);
    const renewed = await oauthBot(sandbox, 'reporting-bot').accessToken('issues');
    expect((await post(url, renewed, PING, session)).status).toBe(200);
  });

  it('opens an event stream on GET, and ends the session on DELETE', async () => {
    const session = await openSession(reportingToken);
    const headers = { ...session, authorization: `Bearer ${reportingToken}`, accept: 'text/event-stream' };
    const stream = await fetch(url, { headers });
    expect(stream.status).toBe(200);
    expect(stream.headers.get('content-type')).toBe('text/event-stream');
    expect((await fetch(url, { method: 'DELETE', headers })).status).toBe(200);
    await expect(stream.text()).resolves.toEqual(expect.any(String));
    expect((await post(url, reportingToken, PING, session)).status).toBe(404);
    expect((await fetch(url, { method: 'DELETE', headers: { ...headers, authorization: 'Bearer x' } })).status).toBe(
      401,
    );
  });

  it('forgets all sessions with dropSessions, as a restart would', async () => {
    const session = await openSession(reportingToken);
    expect(await sandbox.servers.issues.dropSessions()).toBeGreaterThanOrEqual(1);
    expect((await post(url, reportingToken, PING, session)).status).toBe(404);
    expect(await sandbox.servers.issues.dropSessions()).toBe(0);
  });

  it('requires a session id for every request except initialize', async () => {
    expect((await post(url, reportingToken, PING)).status).toBe(400);
    expect((await post(url, reportingToken, PING, { 'mcp-session-id': 'made-up' })).status).toBe(404);
  });

  it('answers a malformed or too large body without internal details', async () => {
    const malformed = await post(url, reportingToken, '{"jsonrpc":');
    expect(malformed.status).toBe(400);
    await expect(malformed.json()).resolves.toEqual({
      jsonrpc: '2.0',
      error: { code: -32700, message: 'Parse error: the body could not be read as JSON' },
      id: null,
    });
    expect((await post(url, reportingToken, JSON.stringify({ filler: 'x'.repeat(4_000_000) }))).status).toBe(400);
    const tooLarge = await post(url, reportingToken, JSON.stringify({ filler: 'x'.repeat(4 * 1024 * 1024) }));
    expect(tooLarge.status).toBe(413);
    await expect(tooLarge.json()).resolves.toMatchObject({ jsonrpc: '2.0', error: { code: -32000 }, id: null });
  });

  it('checks the scope of every tool call in a batch', async () => {
    const session = await openSession(reportingToken);
    const call = (id: number, name: string) => ({
      jsonrpc: '2.0',
      id,
      method: 'tools/call',
      params: { name, arguments: {} },
    });
    const before = sandbox.servers.issues.requests.toolCalls;
    const response = await post(url, reportingToken, [call(3, 'list_issues'), call(4, 'create_issue')], session);
    expect(response.status).toBe(403);
    expect(sandbox.servers.issues.requests.toolCalls).toBe(before);
  });

  /** Sends a request with headers that fetch does not let a caller set. Returns the status. */
  async function statusFor(target: string, headers: Record<string, string>): Promise<number | undefined> {
    const { port, pathname: path } = new URL(target);
    return new Promise((resolve, reject) => {
      httpRequest({ host: '127.0.0.1', port, path, method: 'POST', headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on('error', reject)
        .end();
    });
  }

  it.each(['attacker.example', 'localhost.attacker.example', '10.0.0.1', 'attacker.example:80'])(
    'refuses the Host header "%s", which is not a loopback name, and so do the IdP and the authorization server',
    async (host) => {
      const authorization = `Bearer ${reportingToken}`;
      for (const target of [url, sandbox.idp.tokenEndpoint, sandbox.authorizationServers.main.tokenEndpoint]) {
        await expect(statusFor(target, { host, authorization })).resolves.toBe(403);
      }
    },
  );

  it.each(['https://attacker.example', 'http://localhost.attacker.example', 'null', 'http://127.0.0.1.nip.io'])(
    'refuses the Origin header "%s", and so do the IdP and the authorization server',
    async (origin) => {
      for (const target of [url, sandbox.idp.tokenEndpoint, sandbox.authorizationServers.main.tokenEndpoint]) {
        const { host } = new URL(target);
        await expect(statusFor(target, { host, origin, authorization: `Bearer ${reportingToken}` })).resolves.toBe(403);
      }
    },
  );

  it('answers the preflight of a page of this machine without a token, and lets the page read the challenge', async () => {
    const headers = { origin: 'http://localhost:6274', 'access-control-request-method': 'POST' };
    const preflight = await fetch(url, { method: 'OPTIONS', headers });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe('http://localhost:6274');
    expect(preflight.headers.get('access-control-allow-headers')).toMatch(/Authorization.*DPoP.*Mcp-Session-Id/u);
    const refused = await post(url, undefined, INITIALIZE, { origin: 'http://localhost:6274' });
    expect(refused.status).toBe(401);
    expect(refused.headers.get('access-control-expose-headers')).toMatch(/Mcp-Session-Id.*WWW-Authenticate/u);
    const accepted = await post(url, reportingToken, INITIALIZE, { origin: 'http://localhost:6274' });
    expect(accepted.status).toBe(200);
    expect(accepted.headers.get('access-control-allow-origin')).toBe('http://localhost:6274');
    expect(accepted.headers.get('mcp-session-id')).not.toBeNull();
    await accepted.text();
    const metadata = await fetch(`${new URL(url).origin}/.well-known/oauth-protected-resource/mcp`, {
      method: 'OPTIONS',
      headers: { 'access-control-request-method': 'GET', 'access-control-request-headers': 'mcp-protocol-version' },
    });
    expect(metadata.status).toBe(204);
  });

  it.each(['GET', 'OPTIONS'])(
    'lets every web page read the metadata (%s), and no other page send a message',
    async (method) => {
      const origin = 'https://app.example';
      const metadata = await fetch(`${new URL(url).origin}/.well-known/oauth-protected-resource/mcp`, {
        method,
        headers: { origin, ...(method === 'OPTIONS' && { 'access-control-request-method': 'GET' }) },
      });
      expect(metadata.status).toBe(method === 'GET' ? 200 : 204);
      expect(metadata.headers.get('access-control-allow-origin')).toBe('*');
      expect((await post(url, reportingToken, INITIALIZE, { origin })).status).toBe(403);
    },
  );
});

describe('the tools of the MCP servers', () => {
  it('answer with structured content and with text, and explain a refusal', async () => {
    const { client, call } = await connectWithToken(url, triageToken);
    const found = await call('search_issues', { text: 'firmware alarm' });
    expect(found.structuredContent).toMatchObject({ total: 1, issues: [{ id: 'H-101' }] });
    expect(found.content).toEqual([{ type: 'text', text: JSON.stringify(found.structuredContent, null, 2) }]);
    await expect(call('get_issue', { id: 'H-999' })).resolves.toMatchObject({
      isError: true,
      content: [{ text: 'There is no issue H-999. Use list_issues or search_issues to find one.' }],
    });
    await expect(call('create_issue', { title: '' })).resolves.toMatchObject({ isError: true });
    await expect(call('no_such_tool')).resolves.toMatchObject({ isError: true });
    const created = await call('create_issue', { title: 'Barometer drifts', labels: ['ridge'], priority: 'high' });
    expect(created.structuredContent).toMatchObject({ id: 'H-107', author: 'triage-bot', status: 'open', body: '' });
    await expect(call('list_issues', { label: 'ridge', status: 'open' })).resolves.toMatchObject({
      structuredContent: { total: 2, issues: [{ id: 'H-107' }, { id: 'H-101' }] },
    });
    await client.close();
  });

  it('list, search and read documents', async () => {
    const { documents } = sandbox.servers;
    const token = await oauthBot(sandbox, 'triage-bot').accessToken('documents');
    const { client, call } = await connectWithToken(documents.url, token);
    await expect(call('list_documents')).resolves.toMatchObject({
      structuredContent: { documents: expect.arrayContaining([expect.objectContaining({ id: 'oncall' })]) },
    });
    await expect(call('search_documents', { text: 'battery calibration' })).resolves.toMatchObject({
      structuredContent: {
        passages: [{ id: 'release-checklist', excerpt: expect.stringMatching(/^Change the battery/u) }],
      },
    });
    await expect(call('read_document', { id: 'oncall' })).resolves.toMatchObject({
      structuredContent: { owner: 'ingrid' },
    });
    await expect(call('read_document', { id: '../secrets' })).resolves.toMatchObject({ isError: true });
    await client.close();
  });

  it('query the database and cannot change it', async () => {
    const { database } = sandbox.servers;
    const token = await oauthBot(sandbox, 'analytics-bot').accessToken('database');
    const { client, call } = await connectWithToken(database.url, token);
    await expect(call('list_tables')).resolves.toMatchObject({
      structuredContent: { tables: [{ name: 'customers', rowCount: 4 }, {}, {}, {}] },
    });
    await expect(call('describe_table', { table: 'products' })).resolves.toMatchObject({
      structuredContent: { rowCount: 5, columns: [{ name: 'sku', primaryKey: true }, {}, {}, {}] },
    });
    await expect(call('query', { sql: 'SELECT name FROM products WHERE in_stock = 0' })).resolves.toMatchObject({
      structuredContent: { rows: [['Fen solar panel']], truncated: false },
    });
    await expect(call('query', { sql: 'DELETE FROM products' })).resolves.toMatchObject({
      isError: true,
      content: [{ text: expect.stringContaining('read-only') }],
    });
    await expect(call('describe_table', { table: 'nope' })).resolves.toMatchObject({ isError: true });
    await client.close();
  });
});
