import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Sandbox } from '../sandbox.ts';
import { startSandbox } from '../start-sandbox.ts';
import { connectWithToken, INITIALIZE, post } from '../testing/mcp-client.ts';
import { oauthBot } from '../testing/oauth-bot.ts';

let sandbox: Sandbox;
let url: string;
let reporting: string;
let triage: string;

beforeAll(async () => {
  sandbox = await startSandbox();
  ({ url } = sandbox.servers.issues);
  reporting = await oauthBot(sandbox, 'reporting-bot').accessToken('issues');
  triage = await oauthBot(sandbox, 'triage-bot').accessToken('issues');
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
  it('tells a stranger where to get a token, and for which scope', async () => {
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

  it('lets a token with one of its scopes in, to the tools that need no other', async () => {
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

  it('keeps a session to the client that opened it', async () => {
    const session = await openSession(triage);
    expect((await post(url, triage, PING, session)).status).toBe(200);
    const before = sandbox.servers.issues.requests.sessionNotFound;
    expect((await post(url, reporting, PING, session)).status).toBe(404);
    expect(sandbox.servers.issues.requests.sessionNotFound).toBe(before + 1);
  });

  it('keeps a session over a new token of the same client', async () => {
    const session = await openSession(reporting);
    const renewed = await oauthBot(sandbox, 'reporting-bot').accessToken('issues');
    expect((await post(url, renewed, PING, session)).status).toBe(200);
  });

  it('streams on GET, and ends a session on DELETE', async () => {
    const session = await openSession(reporting);
    const headers = { ...session, authorization: `Bearer ${reporting}`, accept: 'text/event-stream' };
    const stream = await fetch(url, { headers });
    expect(stream.status).toBe(200);
    expect(stream.headers.get('content-type')).toBe('text/event-stream');
    expect((await fetch(url, { method: 'DELETE', headers })).status).toBe(200);
    await expect(stream.text()).resolves.toEqual(expect.any(String));
    expect((await post(url, reporting, PING, session)).status).toBe(404);
    expect((await fetch(url, { method: 'DELETE', headers: { ...headers, authorization: 'Bearer x' } })).status).toBe(
      401,
    );
  });

  it('forgets its sessions where it is told to, as a restart would', async () => {
    const session = await openSession(reporting);
    expect(await sandbox.servers.issues.dropSessions()).toBeGreaterThanOrEqual(1);
    expect((await post(url, reporting, PING, session)).status).toBe(404);
    expect(await sandbox.servers.issues.dropSessions()).toBe(0);
  });

  it('wants a session for everything but initialize', async () => {
    expect((await post(url, reporting, PING)).status).toBe(400);
    expect((await post(url, reporting, PING, { 'mcp-session-id': 'made-up' })).status).toBe(404);
  });

  it('answers what it cannot read without a word of how it is built', async () => {
    const malformed = await post(url, reporting, '{"jsonrpc":');
    expect(malformed.status).toBe(400);
    await expect(malformed.json()).resolves.toEqual({
      jsonrpc: '2.0',
      error: { code: -32700, message: 'The body could not be read as JSON' },
      id: null,
    });
    expect((await post(url, reporting, JSON.stringify({ filler: 'x'.repeat(1_100_000) }))).status).toBe(413);
  });

  it('looks at the scopes of every call in a batch', async () => {
    const session = await openSession(reporting);
    const call = (id: number, name: string) => ({
      jsonrpc: '2.0',
      id,
      method: 'tools/call',
      params: { name, arguments: {} },
    });
    const before = sandbox.servers.issues.requests.toolCalls;
    const response = await post(url, reporting, [call(3, 'list_issues'), call(4, 'create_issue')], session);
    expect(response.status).toBe(403);
    expect(sandbox.servers.issues.requests.toolCalls).toBe(before);
  });

  it('is not reached under another name than that of this machine', async () => {
    const { port } = new URL(url);
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { host: 'attacker.example', authorization: `Bearer ${reporting}` };
      httpRequest({ host: '127.0.0.1', port, path: '/mcp', method: 'POST', headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on('error', reject)
        .end();
    });
    expect(status).toBe(403);
  });
});

describe('its tools', () => {
  it('answer with structured content and with text, and refuse in words', async () => {
    const { client, call } = await connectWithToken(url, triage);
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

  it('read and search the handbook', async () => {
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
