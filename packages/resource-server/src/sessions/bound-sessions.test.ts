import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { McpServer as McpServerV1 } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { NodeStreamableHTTPServerTransport } from '@modelcontextprotocol/node';
import { getRequestListener } from '@hono/node-server';
import { McpServer, WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/server';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import express, { type Express } from 'express';
import { Hono } from 'hono';
import { type Loopback, loopback } from '../../../../test/support/roles/loopback.ts';
import type { AccessTokenInfo } from '../access-token/auth-info.ts';
import { type BoundSessions, type BoundSessionsOptions, boundSessions } from './bound-sessions.ts';
import { memorySessionStore } from './session-store.ts';

const RESOURCE = 'https://mcp.example/mcp';

/** A verified token of a bot. `token` differs for each token of the bot. */
function tokenOf(subject: string, more: { clientId?: string; issuer?: string; tenant?: string } = {}): AccessTokenInfo {
  const { clientId = 'client', issuer = 'https://as.example', tenant } = more;
  return {
    token: randomUUID(),
    clientId,
    scopes: [],
    expiresAt: Date.now() / 1000 + 60,
    resource: new URL(RESOURCE),
    extra: { subject, issuer, claims: tenant === undefined ? {} : { tenant } },
  };
}

/** The tokens that a server accepts, by the value of the Authorization header. */
const tokens = new Map<string, AccessTokenInfo>();
const header = (auth: AccessTokenInfo) => {
  tokens.set(`Bearer ${auth.token}`, auth);
  return `Bearer ${auth.token}`;
};

interface Transport {
  readonly sessionId?: string | undefined;
}

/** The transports of a server, as its application keeps them. */
class Sessions<T extends Transport> {
  readonly byId = new Map<string, T>();
  readonly served: string[] = [];

  of(sessionId: string | null | undefined, open: () => T): T {
    const found = sessionId == null ? undefined : this.byId.get(sessionId);
    if (found !== undefined) this.served.push(String(sessionId));
    return found ?? open();
  }
}

type Serve = (app: Express, sessions: BoundSessions) => Sessions<Transport>;

const transportOptions = <T extends Transport>(sessions: Sessions<T>, transport: () => T) => ({
  sessionIdGenerator: randomUUID,
  onsessioninitialized: (id: string) => void sessions.byId.set(id, transport()),
  onsessionclosed: (id: string) => void sessions.byId.delete(id),
});

const authenticate = (request: IncomingMessage & { auth?: unknown }, _response: ServerResponse, next: () => void) => {
  request.auth = tokens.get(request.headers.authorization ?? '');
  next();
};

const v1: Serve = (app, bound) => {
  const sessions = new Sessions<StreamableHTTPServerTransport>();
  const handle = async (request: express.Request, response: express.Response) => {
    const transport = sessions.of(request.header('mcp-session-id'), () => {
      const opened = new StreamableHTTPServerTransport(transportOptions(sessions, () => opened));
      return opened;
    });
    if (transport.onmessage === undefined) await new McpServerV1({ name: 's', version: '1' }).connect(transport);
    await transport.handleRequest(request as never, response, request.body);
  };
  app.all('/mcp', authenticate, bound.express, express.json(), (request, response) => handle(request, response));
  return sessions;
};

const v2: Serve = (app, bound) => {
  const sessions = new Sessions<NodeStreamableHTTPServerTransport>();
  const handle = async (request: express.Request, response: express.Response) => {
    const transport = sessions.of(request.header('mcp-session-id'), () => {
      const opened = new NodeStreamableHTTPServerTransport(transportOptions(sessions, () => opened));
      return opened;
    });
    if (transport.onmessage === undefined) await new McpServer({ name: 's', version: '1' }).connect(transport);
    await transport.handleRequest(request as never, response, request.body);
  };
  app.all('/mcp', authenticate, bound.express, express.json(), (request, response) => handle(request, response));
  return sessions;
};

const v2Hono: Serve = (app, bound) => {
  const sessions = new Sessions<WebStandardStreamableHTTPServerTransport>();
  const hono = new Hono<{ Variables: { auth: AccessTokenInfo } }>();
  hono.use('/mcp', async (context, next) => {
    const auth = tokens.get(context.req.header('authorization') ?? '');
    if (auth !== undefined) context.set('auth', auth);
    await next();
  });
  hono.use('/mcp', bound.hono);
  hono.all('/mcp', async (context) => {
    const transport = sessions.of(context.req.header('mcp-session-id'), () => {
      const opened = new WebStandardStreamableHTTPServerTransport(transportOptions(sessions, () => opened));
      return opened;
    });
    if (transport.onmessage === undefined) await new McpServer({ name: 's', version: '1' }).connect(transport);
    return transport.handleRequest(context.req.raw);
  });
  const listener = getRequestListener(hono.fetch);
  app.use((request, response) => void listener(request, response));
  return sessions;
};

let server: Loopback | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function start(serve: Serve, options: BoundSessionsOptions = {}) {
  server = await loopback();
  const app = express();
  const sessions = serve(app, boundSessions(options));
  server.serve(app);
  const url = `${server.origin}/mcp`;

  const send = async (method: string, auth: AccessTokenInfo, sessionId?: string, body?: unknown): Promise<Response> => {
    const accept = method === 'GET' ? 'text/event-stream' : 'application/json, text/event-stream';
    const response = await fetch(url, {
      method,
      headers: {
        authorization: header(auth),
        accept,
        'content-type': 'application/json',
        ...(sessionId !== undefined && { 'mcp-session-id': sessionId }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (method === 'GET' && response.ok) await response.body?.cancel();
    else await response.clone().text();
    return response;
  };
  const open = async (auth: AccessTokenInfo): Promise<string> => {
    const response = await send('POST', auth, undefined, INITIALIZE);
    expect(response.status).toBe(200);
    return response.headers.get('mcp-session-id') ?? '';
  };
  const ping = async (auth: AccessTokenInfo, sessionId: string) => (await send('POST', auth, sessionId, PING)).status;
  return { url, sessions, send, open, ping };
}

const INITIALIZE = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'c', version: '1' } },
};
const PING = { jsonrpc: '2.0', id: 2, method: 'ping' };

describe.each<[string, Serve]>([
  ['SDK v1 and Express', v1],
  ['SDK v2 and Express', v2],
  ['SDK v2 and Hono', v2Hono],
])('boundSessions with %s', (_name, serve) => {
  it('continues a session with another token of the same principal', async () => {
    const { open, ping } = await start(serve);
    const session = await open(tokenOf('a'));
    expect(session).not.toBe('');
    await expect(ping(tokenOf('a'), session)).resolves.toBe(200);
  });

  it.each<[string, AccessTokenInfo]>([
    ['another account', tokenOf('b')],
    ['the same account at another issuer', tokenOf('a', { issuer: 'https://other.example' })],
    ['the same account with another client', tokenOf('a', { clientId: 'other' })],
    ['the same account of another tenant', tokenOf('a', { tenant: 't' })],
  ])('responds with 404 to POST, GET and DELETE of %s, and the session goes on', async (_who, thief) => {
    const { open, send, ping, sessions } = await start(serve);
    const owner = tokenOf('a');
    const session = await open(owner);
    for (const [method, body] of [['POST', PING], ['GET'], ['DELETE'], ['POST', INITIALIZE]] as const) {
      const response = await send(method, thief, session, body);
      expect({ method, status: response.status }).toEqual({ method, status: 404 });
      await expect(response.json()).resolves.toMatchObject({ jsonrpc: '2.0', error: { code: -32_001 }, id: null });
    }
    expect(sessions.served).toEqual([]);
    await expect(ping(owner, session)).resolves.toBe(200);
  });

  it('responds with 404 to a session that it does not know, with the same body', async () => {
    const { send, open } = await start(serve);
    const known = await send('POST', tokenOf('b'), await open(tokenOf('a')), PING);
    for (const id of [randomUUID(), '', '__proto__', 'x'.repeat(5000)]) {
      const unknown = await send('POST', tokenOf('b'), id, PING);
      expect(unknown.status).toBe(404);
      if (id !== '') expect(await unknown.text()).toBe(await known.clone().text());
    }
  });

  it('serves the GET stream of the principal, and forgets the session after its DELETE', async () => {
    const store = memorySessionStore({ maxSessions: 10, maxSessionsPerPrincipal: 10 });
    const forget = jest.spyOn(store, 'delete');
    const { open, send, ping } = await start(serve, { store });
    const owner = tokenOf('a');
    const session = await open(owner);
    expect((await send('GET', owner, session)).status).toBe(200);
    expect(forget).not.toHaveBeenCalled();
    expect((await send('DELETE', owner, session)).status).toBe(200);
    expect(forget).toHaveBeenCalledWith(session);
    await expect(ping(owner, session)).resolves.toBe(404);
    await expect(ping(owner, await open(owner))).resolves.toBe(200);
  });

  it('ends the least recently used session of a principal that opens too many, and no session of another', async () => {
    const { open, ping } = await start(serve, { maxSessionsPerPrincipal: 2 });
    const [a, b] = [tokenOf('a'), tokenOf('b')];
    const other = await open(b);
    const [first, second] = [await open(a), await open(a)];
    await ping(a, first);
    const third = await open(a);
    const statuses = await Promise.all([first, second, third].map((session) => ping(a, session)));
    expect(statuses).toEqual([200, 404, 200]);
    await expect(ping(b, other)).resolves.toBe(200);
  });

  it('sends the response that opens a session after the store has the session, and 503 if the store fails', async () => {
    const known = new Map<string, string>();
    let saved = 0;
    const store = {
      get: (id: string) => Promise.resolve(known.get(id)),
      set: async (id: string, principal: string) => {
        await new Promise((resolve) => setImmediate(resolve));
        known.set(id, principal);
        saved += 1;
      },
      delete: (id: string) => Promise.resolve(void known.delete(id)),
    };
    const { open, send, ping } = await start(serve, { store });
    const session = await open(tokenOf('a'));
    expect(saved).toBe(1);
    await expect(ping(tokenOf('a'), session)).resolves.toBe(200);
    await expect(ping(tokenOf('b'), session)).resolves.toBe(404);

    store.set = () => Promise.reject(new Error('redis://:secret@host'));
    const failed = await send('POST', tokenOf('a'), undefined, INITIALIZE);
    expect(failed.status).toBe(503);
    expect(failed.headers.get('mcp-session-id')).toBeNull();
    expect(await failed.text()).not.toContain('secret');
    store.get = () => Promise.reject(new Error('redis://:secret@host'));
    await expect(ping(tokenOf('a'), session)).resolves.toBe(503);
  });
});

describe('boundSessions', () => {
  it('responds with an error to a request without a verified token', async () => {
    const next = jest.fn<(error?: unknown) => void>();
    await boundSessions().express({ headers: {}, auth: undefined } as never, {} as never, next);
    expect(next).toHaveBeenCalledWith(
      expect.objectContaining({ message: expect.stringContaining('expressAccessToken') }),
    );
    const serve = jest.fn<() => Response>();
    await expect(boundSessions().fetch(new Request(RESOURCE), {} as never, serve)).rejects.toThrow(TypeError);
    expect(serve).not.toHaveBeenCalled();
  });

  it('takes the name of the principal from a function for tokens of another verifier', async () => {
    const { fetch: bound } = boundSessions({ principal: (auth) => (auth as { user: string }).user });
    const opened = () => new Response('', { headers: { 'mcp-session-id': 's' } });
    await bound(new Request(RESOURCE, { method: 'POST' }), { user: 'a' } as never, opened);
    const request = () => new Request(RESOURCE, { method: 'POST', headers: { 'mcp-session-id': 's' } });
    expect((await bound(request(), { user: 'a' } as never, opened)).status).toBe(200);
    expect((await bound(request(), { user: 'b' } as never, opened)).status).toBe(404);
  });

  it('forgets a session that the server answers with 404, and binds none of a refused request', async () => {
    const store = memorySessionStore({ maxSessions: 10, maxSessionsPerPrincipal: 10 });
    const { fetch: bound } = boundSessions({ store });
    const auth = tokenOf('a');
    const response = (status: number) => () => new Response('', { status, headers: { 'mcp-session-id': 's' } });
    await bound(new Request(RESOURCE), auth, response(400));
    expect(store.get('s')).toBeUndefined();
    await bound(new Request(RESOURCE), auth, response(200));
    const request = new Request(RESOURCE, { headers: { 'mcp-session-id': 's' } });
    expect((await bound(request, auth, response(404))).status).toBe(404);
    expect(store.get('s')).toBeUndefined();
  });

  it('keeps at most maxSessions sessions', () => {
    const store = memorySessionStore({ maxSessions: 3, maxSessionsPerPrincipal: 2 });
    for (let at = 0; at < 1000; at += 1) void store.set(`s${at}`, `p${at}`);
    expect(Array.from({ length: 1000 }, (_, at) => store.get(`s${at}`)).filter(Boolean)).toEqual([
      'p997',
      'p998',
      'p999',
    ]);
  });

  it.each<[string, object]>([
    ['maxSessions', { maxSessions: 0 }],
    ['maxSessions', { maxSessions: Number.NaN }],
    ['maxSessionsPerPrincipal', { maxSessionsPerPrincipal: 1.5 }],
    ['store has no function get', { store: {} }],
    ['principal', { principal: 'sub' }],
  ])('throws a TypeError for an invalid %s', (message, options) => {
    expect(() => boundSessions(options as BoundSessionsOptions)).toThrow(`boundSessions: ${message}`);
  });
});
