import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ServicePrincipal } from '@credence/core';
import {
  accessTokenVerifier,
  callerOf,
  expressAccessToken,
  protectedResourceMetadata,
  toolScopes,
} from '@credence/resource-server';
import { type Sandbox, type SandboxMcpServer, type SandboxServer, sandboxTool, startSandbox } from '@credence/sandbox';
import { connectMcp as connectV1 } from '@credence/sdk-adapter';
import { connectMcp as connectV2 } from '@credence/sdk-adapter/v2';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { McpServer as McpServerV1 } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { createMcpHandler, McpServer as McpServerV2, requireScopes } from '@modelcontextprotocol/server';
import express from 'express';
import * as z from 'zod';

const TOOLS = { read: 'own:read', write: ['own:read', 'own:write'] } as const;
const result = (text: string) => ({ content: [{ type: 'text' as const, text }] });
const whoIs = (extra: unknown) => result(`read by ${callerOf(extra).subject ?? 'nobody'}`);

function serverV1(): McpServerV1 {
  const server = new McpServerV1({ name: 'own', version: '1.0.0' });
  server.registerTool('read', { description: 'Reads' }, (extra) => whoIs(extra));
  server.registerTool('write', { description: 'Writes' }, () => result('written'));
  return server;
}

function serverV2(): McpServerV2 {
  const server = new McpServerV2({ name: 'own', version: '1.0.0' });
  const inputSchema = z.object({});
  const read = { description: 'Reads', inputSchema, scopeChallenge: requireScopes('own:read') };
  const write = { description: 'Writes', inputSchema, scopeChallenge: requireScopes('own:read', 'own:write') };
  server.registerTool('read', read, (_args, context) => whoIs(context));
  server.registerTool('write', write, () => result('written'));
  return server;
}

/** A server without any authorization, as it is during development. It answers with the headers that it got. */
function unprotected(): RequestListener {
  const transports = new Map<string, StreamableHTTPServerTransport>();
  const app = express();
  app.use(express.json());
  const answer = async (request: express.Request, response: express.Response) => {
    let transport = transports.get(request.header('mcp-session-id') ?? '');
    if (transport === undefined) {
      const opened = new StreamableHTTPServerTransport({
        sessionIdGenerator: () => crypto.randomUUID(),
        onsessioninitialized: (id) => void transports.set(id, opened),
      });
      transport = opened;
      const server = new McpServerV1({ name: 'own', version: '1.0.0' });
      server.registerTool('read', { description: 'Reads' }, ({ requestInfo }) =>
        result(`read by ${String(requestInfo?.headers['authorization'] ?? 'a request without a token')}`),
      );
      server.registerTool('write', { description: 'Writes' }, () => result('written'));
      await server.connect(transport);
    }
    await transport.handleRequest(request, response, request.body);
  };
  app.all('/deep/mcp', (request, response) => void answer(request, response));
  return (request, response) => void app(request, response);
}

/** A server that checks tokens itself. It learns its authorization server after the sandbox has started. */
function withOwnGate(entry: Sandbox<string, string, string>['servers'][string]): RequestListener {
  const { resource, issuer, introspection } = entry;
  const metadata = protectedResourceMetadata({ resource, authorizationServers: [issuer] });
  const verifier = accessTokenVerifier({ issuer, resource, introspection });
  const app = express();
  app.use(metadata.express);
  app.use(expressAccessToken({ verifier, resourceMetadataUrl: metadata.url }), express.json());
  app.use(toolScopes({ tools: { read: ['own:read'], write: ['own:read', 'own:write'] } }));
  const answer = async (request: express.Request, response: express.Response) => {
    const transport = new StreamableHTTPServerTransport({});
    await serverV1().connect(transport);
    await transport.handleRequest(request, response, request.body);
  };
  app.use((request, response) => void answer(request, response));
  return (request, response) => void app(request, response);
}

const listeners: Server[] = [];
async function listen(): Promise<{ url: string; serve: (listener: RequestListener) => void; seen: IncomingMessage[] }> {
  const seen: IncomingMessage[] = [];
  const server = createServer((request) => seen.push(request));
  listeners.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/deep/mcp`;
  return { url, serve: (listener) => void server.on('request', listener), seen };
}

let sandbox: Sandbox<string, 'reader' | 'writer' | 'stranger', string>;
let bots: Record<'reader' | 'writer' | 'stranger', ServicePrincipal>;
let running: Awaited<ReturnType<typeof listen>>;

beforeAll(async () => {
  running = await listen();
  running.serve(unprotected());
  const gated = await listen();
  const servers: Record<string, SandboxServer> = {
    list: {
      tools: [
        sandboxTool({
          name: 'read',
          scope: 'own:read',
          description: 'Reads',
          run: (_args, { principal }) => `read by ${principal}`,
        }),
        sandboxTool({ name: 'write', scope: TOOLS.write, description: 'Writes', run: () => 'written' }),
      ],
    },
    v1: { mcpServer: serverV1, tools: TOOLS },
    v2: { mcpServer: serverV2, scopes: ['own:read', 'own:write'] },
    handler: { mcpServer: createMcpHandler(serverV2), tools: TOOLS, authorizationServer: 'partner' },
    module: {
      module: new URL('./support/own-server.ts', import.meta.url),
      tools: TOOLS,
      authorizationServer: 'partner',
    },
    forwarded: { url: running.url, tools: TOOLS },
    gated: { url: gated.url, gate: 'own', tools: TOOLS },
  };
  const names = Object.keys(servers);
  sandbox = await startSandbox({
    servers,
    principals: { reader: {}, writer: { credential: 'secret' }, stranger: {} },
    groups: { readers: ['reader'] },
    grants: {
      readers: Object.fromEntries(names.map((name) => [name, ['own:read']])),
      writer: Object.fromEntries(names.map((name) => [name, ['own:read', 'own:write']])),
    },
  });
  const entry = sandbox.servers['gated'];
  if (entry !== undefined) gated.serve(withOwnGate(entry));
  const botOf = (name: keyof typeof bots) => ServicePrincipal.fromEnv(sandbox.principals[name].env);
  bots = { reader: botOf('reader'), writer: botOf('writer'), stranger: botOf('stranger') };
});

afterAll(async () => {
  for (const bot of Object.values(bots)) await bot.close();
  await sandbox.close();
  for (const server of listeners) {
    server.closeAllConnections();
    server.close();
  }
});

const call = (name: string) => ({ name, arguments: {} });
const KINDS = ['list', 'v1', 'v2', 'handler', 'module', 'forwarded', 'gated'];
/** The server that is forwarded to does not get the token, and so does not know the caller. */
const readBy = (kind: string, principal: string) =>
  result(`read by ${kind === 'forwarded' ? 'a request without a token' : principal}`);

describe.each([
  ['v1', connectV1],
  ['v2', connectV2],
] as const)('a client of SDK %s at a server of the user', (_sdk, connect) => {
  it.each(KINDS)('%s: may call a tool whose scope it was granted, and no other', async (kind) => {
    const client = await connect(bots.reader, kind);
    await expect(client.callTool(call('read'))).resolves.toMatchObject(readBy(kind, 'reader'));
    await expect(client.callTool(call('write'))).rejects.toMatchObject({
      code: 'insufficient_scope',
      missingScopes: ['own:write'],
    });
    await client.close();

    const writer = await connect(bots.writer, kind);
    await expect(writer.callTool(call('write'))).resolves.toMatchObject(result('written'));
    await writer.close();
  });

  it.each(KINDS)('%s: is refused by the IdP without a grant', async (kind) => {
    await expect(connect(bots.stranger, kind)).rejects.toMatchObject({ code: 'access_denied', leg: 'exchange' });
  });

  it.each(['list', 'v1', 'forwarded'])(
    '%s: gets 404 after dropSessions, as from a server that restarted',
    async (kind) => {
      await sandbox.servers[kind]?.dropSessions(); // those of the tests before
      const client = await connect(bots.reader, kind);
      await client.callTool(call('read'));
      const before = sandbox.servers[kind]?.requests.sessionNotFound ?? NaN;
      await expect(sandbox.servers[kind]?.dropSessions()).resolves.toBe(1);
      await expect(client.callTool(call('read'))).rejects.toThrow(/Session not found/u);
      expect(sandbox.servers[kind]?.requests.sessionNotFound).toBe(before + 1);
      await client.close();
    },
  );
});

describe('a server of the user', () => {
  it('that the sandbox forwards to gets neither the access token nor a request that was refused', async () => {
    const seen = running.seen.length;
    const url = sandbox.servers['forwarded']?.url ?? '';
    expect(new URL(url).port).not.toBe(new URL(running.url).port);
    const refused = await fetch(url, { method: 'POST', headers: { authorization: 'Bearer nonsense' } });
    expect(refused.status).toBe(401);
    expect(running.seen).toHaveLength(seen);
    expect(running.seen.filter(({ headers }) => headers.authorization !== undefined)).toEqual([]);
    expect(running.seen.map(({ url: path }) => path)).toEqual(running.seen.map(() => '/deep/mcp'));
  });

  it('counts the tool calls that reached it', async () => {
    const counted = (kind: string) => sandbox.servers[kind]?.requests.toolCalls ?? NaN;
    for (const kind of ['list', 'v1', 'v2', 'handler', 'module', 'forwarded']) {
      const before = counted(kind);
      const client = await connectV1(bots.reader, kind);
      await client.callTool(call('read'));
      await client.callTool(call('write')).catch(() => undefined);
      // SDK v2 refuses the other call behind the gate
      expect(counted(kind)).toBe(before + (kind === 'v2' ? 2 : 1));
      await client.close();
    }
  });

  it('has its own authorization server if its entry names one', () => {
    expect(Object.keys(sandbox.authorizationServers)).toEqual(['main', 'partner']);
    expect(sandbox.servers['module']?.issuer).toBe(sandbox.authorizationServers['partner']?.issuer);
    expect(sandbox.servers['list']?.issuer).not.toBe(sandbox.servers['module']?.issuer);
  });

  it('loses its tokens by a revocation, and the bot gets new ones', async () => {
    const client = await connectV1(bots.reader, 'v1');
    await client.callTool(call('read'));
    expect(sandbox.authorizationServers['main']?.revokeTokens({ principal: 'reader', server: 'v1' })).toBe(1);
    await expect(client.callTool(call('read'))).resolves.toMatchObject(result('read by reader'));
    await client.close();
  });
});

describe('a server behind a url', () => {
  it('that has stopped, or that wants a token of its own, gives an error that says so', async () => {
    const gone = await listen();
    const picky = await listen();
    picky.serve((_request, response) => void response.writeHead(401, { 'www-authenticate': 'Bearer' }).end());
    const own = await startSandbox({
      servers: { gone: { url: gone.url }, picky: { url: picky.url } },
      grants: { 'reporting-bot': { gone: ['mcp:use'], picky: ['mcp:use'] } },
    });
    listeners.at(-2)?.close();
    const bot = ServicePrincipal.fromEnv(own.principals['reporting-bot'].env);
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' });
    const post = async (name: 'gone' | 'picky') => {
      const response = await bot.fetchFor(name)(own.servers[name].url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      });
      return { status: response.status, text: await response.text() };
    };
    await expect(post('gone')).resolves.toMatchObject({
      status: 502,
      text: expect.stringContaining('does not answer'),
    });
    await expect(post('picky')).resolves.toMatchObject({ status: 502, text: expect.stringContaining('set gate') });
    await bot.close();
    await own.close();
  });
});

describe('a factory of MCP servers', () => {
  it('that returns the same server again fails the session, with a warning that says so', async () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const only = serverV1();
    const own = await startSandbox({ mcpServer: () => only, grants: { 'triage-bot': { mcp: ['mcp:use'] } } });
    const bot = ServicePrincipal.fromEnv(own.principals['triage-bot'].env);
    await expect(connectV1(bot, 'mcp')).rejects.toThrow(/500|Internal error/u);
    expect(warn).toHaveBeenCalledWith(expect.stringMatching(/returned the same MCP server again/u), expect.anything());
    await bot.close();
    await own.close();
  });

  it('of SDK v2 that returns the same server again fails the request, with a warning that says so', async () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const only = serverV2();
    const own = await startSandbox({ mcpServer: () => only });
    const bot = ServicePrincipal.fromEnv(own.principals['triage-bot'].env);
    await expect(connectV1(bot, 'mcp')).rejects.toThrow();
    expect(warn).toHaveBeenCalledWith(expect.stringMatching(/returned the same MCP server again/u), expect.anything());
    await bot.close();
    await own.close();
  });

  it('is enough for a sandbox, whose principals can use it', async () => {
    const own = await startSandbox({ mcpServer: serverV1 });
    const bot = ServicePrincipal.fromEnv(own.principals['reporting-bot'].env);
    const client = await connectV1(bot, 'mcp');
    await expect(client.callTool(call('write'))).resolves.toMatchObject(result('written'));
    await client.close();
    await bot.close();
    const unapproved = ServicePrincipal.fromEnv(own.principals['unapproved-bot'].env);
    await expect(unapproved.token('mcp')).rejects.toMatchObject({ code: 'access_denied' });
    await unapproved.close();
    await own.close();
  });

  it.each<[string, () => SandboxMcpServer]>([
    ['v1', () => serverV1()],
    ['v2', () => serverV2()],
  ])('of SDK %s is compared with the names of its tools', async (_version, mcpServer) => {
    await expect(
      startSandbox({ servers: { mine: { mcpServer, tools: { read: 'r', wirte: 'w' } } } }),
    ).rejects.toMatchObject({
      code: 'invalid_configuration',
      message: expect.stringContaining('"mine" names the tool "wirte", which the MCP server does not have'),
    });
  });

  it('and a revocation for a name that does not exist is refused', async () => {
    const own = await startSandbox({ mcpServer: serverV1 });
    const { main } = own.authorizationServers;
    expect(() => main.revokeTokens({ principal: 'zz' })).toThrow('revokeTokens names the principal "zz"');
    expect(() => main.revokeTokens({ server: 'zz' })).toThrow('revokeTokens names the server "zz"');
    await own.close();
  });

  it('that fails after the start fails only that session, with a warning', async () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    let calls = 0;
    const own = await startSandbox({
      mcpServer: () => {
        calls += 1;
        if (calls === 2) throw new Error('the database is locked');
        return serverV1();
      },
      grants: { 'triage-bot': { mcp: ['mcp:use'] } },
    });
    const bot = ServicePrincipal.fromEnv(own.principals['triage-bot'].env);
    await expect(connectV1(bot, 'mcp')).rejects.toThrow(/500|Internal error/u);
    expect(warn).toHaveBeenCalledWith(
      expect.stringMatching(/"mcp" failed: the database is locked/u),
      expect.anything(),
    );
    const client = await connectV1(bot, 'mcp');
    await expect(client.callTool(call('write'))).resolves.toMatchObject(result('written'));
    await client.close();
    await bot.close();
    await own.close();
  });
});
