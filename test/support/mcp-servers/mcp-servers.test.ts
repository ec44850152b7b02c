import { afterEach, describe, expect, test } from '@jest/globals';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { Client as ClientV2, StreamableHTTPClientTransport as HttpV2 } from '@modelcontextprotocol/client';
import { startPeer } from '../peer.ts';
import {
  type McpFixture,
  startV1Sse,
  startV1Streamable,
  startV2BothRevisions,
  startV2Only2026,
  TokenTable,
  type Workbench,
} from './index.ts';

const EXTENSIONS = { extensions: { 'io.modelcontextprotocol/enterprise-managed-authorization': {} } };
const READ = 'token-that-reads';
const WRITE = 'token-that-writes';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

function closing<T extends { close(): Promise<void> }>(resource: T): T {
  cleanups.push(async () => resource.close());
  return resource;
}

function tokenTable(): TokenTable {
  return new TokenTable({ [READ]: ['tools:read'], [WRITE]: ['tools:read', 'tools:write'] });
}

interface AnyClient {
  callTool(params: { name: string; arguments: Record<string, unknown> }): Promise<unknown>;
  listTools(): Promise<{ tools: { name: string }[] }>;
  close(): Promise<void>;
}

function bearer(token: string): { requestInit: { headers: Record<string, string> } } {
  return { requestInit: { headers: { authorization: `Bearer ${token}` } } };
}

async function connectV1(url: string, token: string): Promise<AnyClient> {
  const client = new ClientV1({ name: 'plain', version: '1' }, { capabilities: EXTENSIONS });
  await client.connect(new HttpV1(new URL(url), bearer(token)));
  return closing(client);
}

async function connectSse(url: string, token: string): Promise<AnyClient> {
  const client = new ClientV1({ name: 'plain', version: '1' }, { capabilities: EXTENSIONS });
  await client.connect(new SSEClientTransport(new URL(url), bearer(token)));
  return closing(client);
}

async function connectV2(url: string, token: string): Promise<ClientV2> {
  const client = new ClientV2(
    { name: 'plain', version: '1' },
    { capabilities: EXTENSIONS, versionNegotiation: { mode: 'auto' } },
  );
  await client.connect(new HttpV2(new URL(url), bearer(token)));
  return closing(client);
}

const kinds = [
  { kind: 'SDK v1, stateful', start: startV1Streamable, connect: connectV1, revision: '2025-11-25' },
  { kind: 'SDK v1, SSE', start: startV1Sse, connect: connectSse, revision: '2025-11-25' },
  { kind: 'SDK v2, both revisions', start: startV2BothRevisions, connect: connectV2, revision: '2026-07-28' },
  {
    kind: 'SDK v2, both revisions, older client',
    start: startV2BothRevisions,
    connect: connectV1,
    revision: '2025-11-25',
  },
  { kind: 'SDK v2, 2026 only', start: startV2Only2026, connect: connectV2, revision: '2026-07-28' },
];

describe.each(kinds)('$kind', ({ start, connect, revision }) => {
  async function startWith(tokens: TokenTable): Promise<McpFixture & { workbench: Workbench }> {
    return closing(
      await start({ verify: tokens.verify, issuers: ['https://as.example'], scopesSupported: ['tools:read'] }),
    );
  }

  test('lists its tools and runs one for a token with the scope', async () => {
    const server = await startWith(tokenTable());
    const client = await connect(server.url, WRITE);
    const { tools } = await client.listTools();
    expect(tools.map((tool) => tool.name).sort()).toEqual(['echo', 'slow', 'write_note']);
    await expect(client.callTool({ name: 'echo', arguments: { message: 'hello' } })).resolves.toMatchObject({
      content: [{ type: 'text', text: 'hello' }],
    });
    await client.callTool({ name: 'write_note', arguments: { text: 'remember' } });
    await client.callTool({ name: 'slow', arguments: { ms: 1 } });
    expect(server.workbench.notes).toEqual(['remember']);
    expect(server.workbench.executed.map((call) => call.tool)).toEqual(['echo', 'write_note', 'slow']);
    expect(server.count('tools/call')).toEqual({ 200: 3, 401: 0, 403: 0 });
  });

  test('records the revision and the declared extensions of each message', async () => {
    const server = await startWith(tokenTable());
    const client = await connect(server.url, READ);
    await client.callTool({ name: 'echo', arguments: { message: 'x' } });
    const call = server.journal.find((entry) => entry.method === 'tools/call');
    expect(call).toMatchObject({ tool: 'echo', token: READ, status: expect.any(Number) });
    const declares = server.journal.filter((entry) => entry.capabilities?.['extensions'] !== undefined);
    expect(declares.length).toBeGreaterThan(0);
    expect(declares.every((entry) => entry.protocolVersion === revision)).toBe(true);
    // Revision 2026-07-28 has no initialize: each request declares the extensions.
    expect(declares.some((entry) => entry.method === 'tools/call')).toBe(revision === '2026-07-28');
  });

  test('answers 403 for a tool whose scope the token lacks, and does not run the tool', async () => {
    const server = await startWith(tokenTable());
    const client = await connect(server.url, READ);
    await expect(client.callTool({ name: 'write_note', arguments: { text: 'x' } })).rejects.toThrow();
    expect(server.count('tools/call')).toEqual({ 200: 0, 401: 0, 403: 1 });
    expect(server.workbench.executed).toEqual([]);
  });

  test('answers 401 after the token is revoked', async () => {
    const tokens = tokenTable();
    const server = await startWith(tokens);
    const client = await connect(server.url, READ);
    tokens.revokeAll();
    await expect(client.callTool({ name: 'echo', arguments: { message: 'x' } })).rejects.toThrow();
    expect(server.count('tools/call')).toEqual({ 200: 0, 401: 1, 403: 0 });
  });

  test('names the protected resource metadata of its URL in the 401 challenge', async () => {
    const server = await startWith(tokenTable());
    const refused = await fetch(server.url, { method: 'POST', body: '{}' });
    await refused.text();
    expect(refused.status).toBe(401);
    const challenge = refused.headers.get('www-authenticate') ?? '';
    expect(challenge).not.toContain('error=');
    const metadataUrl = /resource_metadata="([^"]+)"/.exec(challenge)?.[1] ?? '';
    const metadata = await fetch(metadataUrl);
    expect(await metadata.json()).toEqual({
      resource: server.url,
      authorization_servers: ['https://as.example'],
      bearer_methods_supported: ['header'],
      scopes_supported: ['tools:read'],
    });
  });

  test('answers 401 to every request with alwaysUnauthorized', async () => {
    const server = await startWith(tokenTable());
    server.behaviour.alwaysUnauthorized = true;
    await expect(connect(server.url, READ)).rejects.toThrow();
    expect(server.total()[401]).toBeGreaterThan(0);
    expect(server.total()[200]).toBe(0);
  });
});

/** Sends a POST without an SDK, to check the HTTP answer. */
async function post(url: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    redirect: 'manual',
    headers: {
      authorization: `Bearer ${READ}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
  });
}

describe('the 403 challenge', () => {
  const call = JSON.stringify({
    jsonrpc: '2.0',
    id: 7,
    method: 'tools/call',
    params: { name: 'write_note', arguments: { text: 'x' } },
  });

  test.each([
    { kind: 'SDK v1', start: startV1Streamable },
    { kind: 'SDK v2', start: startV2BothRevisions },
  ])('of $kind names the scope and the metadata', async ({ start }) => {
    const server = closing(await start({ verify: tokenTable().verify }));
    const refused = await fetch(server.url, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${READ}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: call,
    });
    await refused.text();
    expect(refused.status).toBe(403);
    const challenge = refused.headers.get('www-authenticate');
    expect(challenge).toContain('error="insufficient_scope"');
    expect(challenge).toContain('scope="tools:write"');
    expect(challenge).toContain(`resource_metadata="${server.origin}/.well-known/oauth-protected-resource/mcp"`);
  });

  test('contains the scopes of insufficientScope', async () => {
    const server = closing(await startV1Streamable({ verify: tokenTable().verify, insufficientScope: 'admin root' }));
    const refused = await fetch(server.url, {
      method: 'POST',
      headers: { authorization: `Bearer ${READ}`, 'content-type': 'application/json' },
      body: call,
    });
    await refused.text();
    expect(refused.headers.get('www-authenticate')).toContain('scope="admin root"');
  });
});

describe('redirectOnce', () => {
  test('redirects one request to another path of the same MCP endpoint', async () => {
    const server = closing(await startV2BothRevisions({ verify: tokenTable().verify }));
    server.redirectOnce({ status: 307, location: server.movedPath });
    const redirect = await post(server.url);
    expect(redirect.status).toBe(307);
    const moved = await post(new URL(redirect.headers.get('location') ?? '', server.url).href);
    expect(moved.status).toBe(200);
    await moved.text();
    const again = await post(server.url);
    expect(again.status).toBe(200);
    await again.text();
  });

  test('redirects one request to a peer of another origin, which records it', async () => {
    const server = closing(await startV1Streamable({ verify: tokenTable().verify }));
    const trap = closing(await startPeer({}));
    server.redirectOnce({ status: 307, location: `${trap.origin}/mcp` });
    const redirect = await post(server.url);
    const location = redirect.headers.get('location') ?? '';
    await (await post(location, { 'x-seen': 'yes' })).text();
    expect(trap.requests).toHaveLength(1);
    expect(trap.requests[0]?.headers).toMatchObject({ 'x-seen': 'yes', authorization: `Bearer ${READ}` });
  });
});

describe('loseSessions', () => {
  test('makes the server answer 404 to the session id of a client', async () => {
    const server = closing(await startV1Streamable({ verify: tokenTable().verify }));
    const client = await connectV1(server.url, READ);
    const [session] = server.sessions();
    expect(session).toBeDefined();
    await server.loseSessions();
    const lost = await post(server.url, { 'mcp-session-id': session ?? '' });
    await lost.text();
    expect(lost.status).toBe(404);
    await expect(client.callTool({ name: 'echo', arguments: { message: 'x' } })).rejects.toThrow(/session/i);
  });

  test('makes an SSE server answer 404 on the message path', async () => {
    const server = closing(await startV1Sse({ verify: tokenTable().verify }));
    await connectSse(server.url, READ);
    const [session] = server.sessions();
    await server.loseSessions();
    const lost = await post(`${server.origin}/messages?sessionId=${session}`);
    await lost.text();
    expect(lost.status).toBe(404);
  });
});

test('a server that supports only 2026-07-28 refuses an SDK v1 client with an unsupported revision', async () => {
  const server = closing(await startV2Only2026({ verify: tokenTable().verify }));
  await expect(connectV1(server.url, READ)).rejects.toThrow(/-32022|protocol version/i);
});

test('latencyMs also delays the answer with metadata', async () => {
  const server = closing(await startV1Streamable({ verify: tokenTable().verify, latencyMs: 30 }));
  const before = performance.now();
  await (await fetch(`${server.origin}/.well-known/oauth-protected-resource/mcp`)).text();
  expect(performance.now() - before).toBeGreaterThanOrEqual(25);
});
