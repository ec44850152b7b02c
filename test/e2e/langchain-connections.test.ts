import { createServer, connect as connectSocket, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { clientSecret, ServicePrincipal } from '@credence/core';
import { type LoadedTools, loadTools, type LoadToolsOptions, refusalOf } from '@credence/langchain';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  type McpFixture,
  startV1Streamable,
  startV2BothRevisions,
  startV2Only2026,
} from '../support/mcp-servers/index.ts';
import { type OAuthWorld, startOAuthWorld } from '../support/oauth-world.ts';
import { type CannedAnswer, type PeerHandler, startPeer } from '../support/peer.ts';

// a hundred calls over HTTP can take long on a busy machine
jest.setTimeout(30_000);

let world: OAuthWorld;
const closing: (() => Promise<void>)[] = [];

beforeEach(async () => {
  world = await startOAuthWorld();
});

afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
  await world.close();
});

/** A bot with these servers. Each server is a separate resource of the same authorization server. */
function botFor(servers: Record<string, string>): ServicePrincipal {
  const { idp, as, idpClient, asClient } = world;
  const credential = (client: typeof idpClient) =>
    clientSecret({ clientId: client.clientId, secret: client.secret ?? '' });
  const bot = new ServicePrincipal({
    idp: { issuer: idp.issuer, credential: credential(idpClient) },
    retry: { retries: 0 },
    servers: Object.fromEntries(
      Object.entries(servers).map(([name, url]) => {
        as.protect(url);
        return [
          name,
          {
            url,
            resource: url,
            issuer: as.issuer,
            credential: credential(asClient),
            scopes: ['tools:read'],
            stepUp: ['tools:write'],
          },
        ];
      }),
    ),
  });
  closing.push(async () => bot.close());
  return bot;
}

async function started<Fixture extends McpFixture>(
  start: (options: { verify: OAuthWorld['as']['verify'] }) => Promise<Fixture>,
) {
  const fixture = await start({ verify: world.as.verify });
  closing.push(async () => fixture.close());
  return fixture;
}

async function load(servers: Record<string, string>, options: LoadToolsOptions) {
  const loaded = await loadTools(botFor(servers), Object.keys(servers), options);
  closing.push(loaded.close);
  return loaded;
}

function named({ tools, failures }: LoadedTools, name: string): LoadedTools['tools'][number] {
  const found = tools.find((tool) => tool.name === name);
  if (!found) throw new Error(`no tool ${name}; failures: ${JSON.stringify(failures)}`);
  return found;
}

async function thrownBy(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    (value) => {
      throw new Error(`it did not throw but returned ${JSON.stringify(value)}`);
    },
    (error: unknown) => error,
  );
}

/** Delays the answer to the next redemption until `release` is called. `arrived` resolves when the request has arrived. */
function holdRedemption() {
  let release: () => void = () => undefined;
  let arrive: () => void = () => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  const arrived = new Promise<void>((resolve) => (arrive = resolve));
  world.as.script.once('redeem', async (respond) => {
    arrive();
    await released;
    return respond();
  });
  return { arrived, release };
}

const SERVERS = [
  { title: 'SDK v1 with a stateful 2025 server', sdk: 'v1', start: startV1Streamable },
  { title: 'SDK v2 with a stateful 2025 server', sdk: 'v2', start: startV1Streamable },
  { title: 'SDK v2 with a server of both revisions', sdk: 'v2', start: startV2BothRevisions },
  { title: 'SDK v2 with a server of 2026-07-28 only', sdk: 'v2', start: startV2Only2026 },
] as const;

describe.each(SERVERS)('$title', ({ sdk, start }) => {
  it('calls a tool, and requests an additional scope for another tool', async () => {
    const server = await started(start);
    const loaded = await load({ notes: server.url }, { sdk });
    expect(JSON.stringify(await named(loaded, 'notes__echo').invoke({ message: 'hello' }))).toContain('hello');
    await named(loaded, 'notes__write_note').invoke({ text: 'stepped up' });
    expect(server.workbench.notes).toEqual(['stepped up']);
  });

  it.each([
    { how: 'in the call', options: {}, config: { timeout: 150 } },
    { how: 'in loadTools', options: { toolTimeoutMs: 150 }, config: {} },
  ])(
    'ends a call after the timeout given $how, with an error that does not suggest a repetition',
    async ({ options, config }) => {
      const server = await started(start);
      const slow = named(await load({ notes: server.url }, { sdk, ...options }), 'notes__slow');
      const error = await thrownBy(slow.invoke({ ms: 20_000 }, config));
      expect(error).toMatchObject({ name: 'ToolException', cause: { code: 'timeout', leg: 'call', retryable: false } });

      const call = { type: 'tool_call', id: '1', name: slow.name, args: { ms: 20_000 } } as const;
      const answer: unknown = await slow.invoke(call, config);
      expect(refusalOf(answer)?.error).toMatchObject({ code: 'timeout', server: 'notes' });
      expect(answer).toMatchObject({ status: 'error', content: expect.stringContaining('may or may not have run') });
    },
  );

  it('throws the abort reason, also for a tool call of an agent', async () => {
    const server = await started(start);
    const slow = named(await load({ notes: server.url }, { sdk }), 'notes__slow');
    for (const input of [
      { ms: 20_000 },
      { type: 'tool_call', id: '1', name: slow.name, args: { ms: 20_000 } },
    ] as const) {
      const caller = new AbortController();
      const before = server.workbench.executed.length;
      const call = thrownBy(slow.invoke(input, { signal: caller.signal }));
      while (server.workbench.executed.length === before) await new Promise((resolve) => setTimeout(resolve, 5));
      caller.abort(new Error('the user left'));
      expect(await call).toMatchObject({ message: 'the user left' });
    }
  });

  it('does not send a call that is aborted while it waits for its access token', async () => {
    const server = await started(start);
    const loaded = await load({ notes: server.url }, { sdk });
    const echo = named(loaded, 'notes__echo');
    world.as.revokeAll();
    const held = holdRedemption();
    const caller = new AbortController();
    const call = thrownBy(echo.invoke({ message: 'never' }, { signal: caller.signal }));
    await held.arrived;
    caller.abort(new Error('the user left'));
    expect(await call).toMatchObject({ message: 'the user left' });

    held.release();
    await echo.invoke({ message: 'later' });
    expect(server.workbench.executed).toEqual([{ tool: 'echo', arguments: { message: 'later' } }]);
  });
});

describe.each(['v1', 'v2'] as const)('a lost connection with SDK %s', (sdk) => {
  it('is replaced by one new session for 20 calls, and each call runs once', async () => {
    const server = await started(startV1Streamable);
    const echo = named(await load({ notes: server.url }, { sdk }), 'notes__echo');
    const [first] = server.sessions();
    await server.loseSessions();

    const messages = Array.from({ length: 20 }, (_, index) => `message ${index}`);
    await Promise.all(messages.map(async (message) => echo.invoke({ message }) as Promise<unknown>));

    expect(server.count('initialize')[200]).toBe(2);
    expect(server.sessions()).toHaveLength(1);
    expect(server.sessions()).not.toContain(first);
    const ran = server.workbench.executed.map((call) => JSON.stringify(call.arguments));
    expect(ran.toSorted()).toEqual(messages.map((message) => JSON.stringify({ message })).toSorted());
  });

  it('ends in an error after two sessions if the server forgets every session', async () => {
    const server = await sessionPeer(() => ({ status: 404, body: 'Session not found' }));
    const echo = named(await load({ notes: server.url }, { sdk }), 'notes__echo');
    expect(await thrownBy(echo.invoke({ message: 'hello' }))).toMatchObject({
      name: 'ToolException',
      cause: { code: 'peer_unavailable', message: expect.stringContaining('forgot its session twice') },
    });
    expect(server.calls()).toEqual(['session-1', 'session-2']);
  });

  it('is detected from the 400 response of the SDK examples, and from no other 400 response', async () => {
    const noSession = 'Bad Request: No valid session ID provided';
    const server = await sessionPeer((session) => {
      if (session === 'session-1') return { status: 400, body: rpcError(-32000, noSession) };
      return { status: 400, body: rpcError(-32600, 'Bad Request: something else') };
    });
    const echo = named(await load({ notes: server.url }, { sdk }), 'notes__echo');
    expect(await thrownBy(echo.invoke({ message: 'hello' }))).toMatchObject({
      cause: { code: 'invalid_response', status: 400, contact: 'server-owner' },
    });
    expect(server.calls()).toEqual(['session-1', 'session-2']);
  });

  it('does not repeat a call that had been sent', async () => {
    const { url, first, restart } = await restartable();
    const loaded = await load({ notes: url }, { sdk, toolTimeoutMs: 1_500 });
    const call = thrownBy(named(loaded, 'notes__slow').invoke({ ms: 20_000 }));
    while (first.workbench.executed.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const after = await restart()();

    const error = await call;
    expect(error).toMatchObject({
      name: 'ToolException',
      cause: { name: 'CredenceError', leg: 'call', server: 'notes' },
    });
    expect(error).toMatchObject({ message: expect.stringContaining('may or may not have run') });
    expect(after.workbench.executed).toEqual([]);
  });

  it('is replaced after the server restarts without its sessions', async () => {
    const { url, restart } = await restartable();
    const echo = named(await load({ notes: url }, { sdk }), 'notes__echo');
    await echo.invoke({ message: 'before' });

    const back = restart();
    const away = await thrownBy(echo.invoke({ message: 'meanwhile' }));
    expect(away).toMatchObject({ name: 'ToolException', cause: { code: 'unreachable', contact: 'server-owner' } });
    const server = await back();

    expect(JSON.stringify(await echo.invoke({ message: 'after' }))).toContain('after');
    expect(server.workbench.executed.map((call) => call.arguments)).toEqual([{ message: 'after' }]);
  });
});

describe.each(['v1', 'v2'] as const)('loadTools with several servers and SDK %s', (sdk) => {
  it('connects to all servers at the same time', async () => {
    let waiting = 0;
    let allArrived: () => void = () => undefined;
    const together = new Promise<void>((resolve) => (allArrived = resolve));
    const arrive = async () => {
      if ((waiting += 1) === 3) allArrived();
      await together;
    };
    const peers = await Promise.all([1, 2, 3].map(async () => sessionPeer(() => ({ status: 500 }), arrive)));
    const urls = Object.fromEntries(peers.map(({ url }, index) => [`server-${index}`, url]));
    const { tools, failures } = await load(urls, { sdk, connectTimeoutMs: 5_000 });
    expect(failures).toEqual([]);
    expect(tools.map(({ name }) => name)).toEqual(['server-0__echo', 'server-1__echo', 'server-2__echo']);
  });

  it('loads the tools of the working servers if others do not implement MCP, respond with errors or are down', async () => {
    const server = await started(startV1Streamable);
    const nowhere = await startPeer({});
    await nowhere.close();
    const peer = async (handler: PeerHandler) => {
      const badPeer = await startPeer(handler);
      closing.push(async () => badPeer.close());
      return `${badPeer.origin}/mcp`;
    };
    const { tools, failures } = await load(
      {
        good: server.url,
        broken: await peer(() => ({ status: 500, body: 'a stack trace' })),
        wrong: await peer(() => ({ status: 404, body: 'no such page' })),
        page: await peer(() => ({ headers: { 'content-type': 'text/html' }, body: '<h1>Welcome</h1>' })),
        gone: `${nowhere.origin}/mcp`,
      },
      { sdk },
    );
    expect(tools.map(({ name }) => name)).toEqual(['good__echo', 'good__write_note', 'good__slow']);
    const errors = Object.fromEntries(failures.map(({ server: name, error }) => [name, error]));
    expect(errors).toMatchObject({
      broken: { code: 'peer_unavailable', leg: 'call', status: 500, contact: 'server-owner', retryable: true },
      wrong: { code: 'invalid_response', leg: 'call', status: 404, contact: 'server-owner', retryable: false },
      page: { code: 'invalid_response', leg: 'call', contact: 'server-owner' },
      gone: { code: 'unreachable', contact: 'server-owner' },
    });
    expect(failures.map(({ error }) => error.summary).join()).not.toMatch(/stack trace|no such page|Welcome/u);
  });
});

/** An MCP server behind a proxy with a fixed address. It can be stopped and replaced by a new one without sessions. */
async function restartable() {
  const sockets = new Set<Socket>();
  let backend: URL | undefined;
  const front: Server = createServer((socket) => {
    sockets.add(socket.on('close', () => sockets.delete(socket)).on('error', () => undefined));
    if (!backend) return void socket.destroy();
    const inner = connectSocket(Number(backend.port), backend.hostname);
    inner.on('error', () => socket.destroy()).on('close', () => socket.destroy());
    socket.on('close', () => inner.destroy());
    socket.pipe(inner).pipe(socket);
  });
  front.listen(0, '127.0.0.1');
  await once(front, 'listening');
  closing.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => front.close(resolve));
  });
  const address = front.address();
  if (address === null || typeof address === 'string') throw new Error('no address');
  const url = `http://127.0.0.1:${address.port}/mcp`;

  const start = async () => {
    const server = await started(startV1Streamable);
    server.behaviour.resource = url;
    backend = new URL(server.url);
    return server;
  };
  const first = await start();
  return {
    url,
    first,
    /** Stops the server. The returned function starts the new one. */
    restart: () => {
      backend = undefined;
      for (const socket of sockets) socket.destroy();
      return start;
    },
  };
}

function rpcError(code: number, message: string): object {
  return { jsonrpc: '2.0', error: { code, message }, id: null };
}

/** A 2025 server with one tool. It opens `session-1`, `session-2`, ... and answers tool calls with `answer`. */
async function sessionPeer(
  answer: (session: string) => CannedAnswer,
  beforeInitialize = async () => Promise.resolve(),
) {
  let opened = 0;
  const calls: string[] = [];
  const peer = await startPeer(async ({ method, headers, body }): Promise<CannedAnswer> => {
    if (world.as.verify(headers.authorization?.slice('Bearer '.length) ?? '') === undefined) return { status: 401 };
    if (method !== 'POST') return { status: 405 };
    const message = JSON.parse(body) as { id?: number; method: string };
    const result = (value: object): CannedAnswer => ({ body: { jsonrpc: '2.0', id: message.id, result: value } });
    switch (message.method) {
      case 'initialize': {
        await beforeInitialize();
        const initialized = {
          protocolVersion: '2025-06-18',
          capabilities: { tools: {} },
          serverInfo: { name: 'p', version: '1' },
        };
        return { ...result(initialized), headers: { 'mcp-session-id': `session-${(opened += 1)}` } };
      }
      case 'tools/list':
        return result({ tools: [{ name: 'echo', inputSchema: { type: 'object' } }] });
      case 'tools/call': {
        const session = String(headers['mcp-session-id']);
        calls.push(session);
        return answer(session);
      }
      case 'notifications/initialized':
        return { status: 202 };
      default:
        return { status: 400, body: rpcError(-32601, 'Method not found') };
    }
  });
  closing.push(async () => peer.close());
  return { url: `${peer.origin}/mcp`, calls: () => calls };
}
