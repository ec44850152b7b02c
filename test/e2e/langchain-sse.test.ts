import { once } from 'node:events';
import { refusalOf } from '@credence/langchain';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  callAsAgent,
  type LangchainWorld,
  listed,
  startLangchainWorld,
  toolNamed,
} from '../support/langchain-world.ts';
import { type SessionFixture, startV1Sse, startV1Streamable } from '../support/mcp-servers/index.ts';
import { startPeer, type Wire } from '../support/peer.ts';
import { until } from './sdk-world.ts';

let world: LangchainWorld;

beforeEach(async () => {
  world = await startLangchainWorld();
});
afterEach(async () => world.close());

async function sseServer(): Promise<SessionFixture> {
  const server = await startV1Sse({ verify: world.oauth.as.verify });
  world.onClose(async () => server.close());
  return server;
}

const echo = { message: 'hello' };

describe.each(['v1', 'v2'] as const)('an HTTP+SSE server with SDK %s', (sdk) => {
  const load = async (server: { url: string }) =>
    toolNamed(await world.load({ s: server.url }, { sdk, transport: { s: 'sse' } }), 's__echo');

  it('gives its tools beside a server with the other transport', async () => {
    const old = await sseServer();
    const current = await startV1Streamable({ verify: world.oauth.as.verify });
    world.onClose(async () => current.close());
    const loaded = await world.load({ old: old.url, current: current.url }, { sdk, transport: { old: 'sse' } });
    expect(loaded.failures).toEqual([]);
    expect((await callAsAgent(toolNamed(loaded, 'old__echo'), echo)).text).toBe('hello');
    expect((await callAsAgent(toolNamed(loaded, 'current__echo'), echo)).text).toBe('hello');
    expect(old.sessions()).toHaveLength(1);
  });

  it('survives a revocation with one new token for 20 calls', async () => {
    const server = await sseServer();
    const tool = await load(server);
    await callAsAgent(tool, echo);
    const before = world.oauth.as.issued.length;
    world.oauth.as.revokeAll();
    const calls = Array.from({ length: 20 }, async () => callAsAgent(tool, echo));
    expect(new Set((await Promise.all(calls)).map(({ text }) => text))).toEqual(new Set(['hello']));
    expect(world.oauth.as.issued).toHaveLength(before + 1);
  });

  it('survives the end of its stream: the next call opens one initialized session', async () => {
    const server = await sseServer();
    const tool = await load(server);
    await callAsAgent(tool, echo);
    await server.loseSessions();
    await until(() => server.sessions().length <= 1);
    const calls = Array.from({ length: 5 }, async () => callAsAgent(tool, echo));
    expect(new Set((await Promise.all(calls)).map(({ text }) => text))).toEqual(new Set(['hello']));
    expect(server.sessions()).toHaveLength(1);
    // Each session was initialized, because an event source that reconnects would get one that is not.
    const streams = server.requests.filter(({ method }) => method === 'GET').length;
    expect(server.journal.filter(({ method }) => method === 'initialize')).toHaveLength(streams);
  });

  it('ends a call at once whose stream ends, and says that it may have run', async () => {
    const server = await sseServer();
    const loaded = await world.load({ s: server.url }, { sdk, transport: 'sse' });
    const slow = callAsAgent(toolNamed(loaded, 's__slow'), { ms: 30_000 });
    await until(() => server.workbench.executed.length === 1);
    await server.loseSessions();
    expect(refusalOf(await slow)?.error).toMatchObject({
      code: 'unreachable',
      remedy: expect.stringContaining('may or may not have run'),
    });
    expect((await callAsAgent(toolNamed(loaded, 's__echo'), echo)).text).toBe('hello');
  });

  it('tells the cause of a refusal', async () => {
    const server = await sseServer();
    world.oauth.idp.script.always('exchange', () => ({ status: 400, body: { error: 'access_denied' } }));
    const { failures, tools } = await world.load({ s: server.url }, { sdk, transport: 'sse' });
    expect(tools).toEqual([]);
    expect(failures).toMatchObject([{ error: { code: 'access_denied', leg: 'exchange', contact: 'idp-admin' } }]);
    expect(server.requests.filter(({ path }) => path === '/sse')).toEqual([]);
  });

  it('is never tried in place of a server that refuses the other transport', async () => {
    const server = await world.serve({ initialize: () => ({ http: { status: 405 } }) });
    const { failures } = await world.load({ s: server.url }, { sdk });
    expect(failures).toHaveLength(1);
    expect(server.peer.received('GET /mcp')).toEqual([]);
  });

  it('that names a message endpoint of another origin gets no token there', async () => {
    const trap = await startPeer({ '*': { body: {} } });
    world.onClose(async () => trap.close());
    const server = await hostile(`event: endpoint\ndata: ${trap.origin}/messages\n\n`);
    const { failures } = await world.load({ s: server.url }, { sdk, transport: 'sse' });
    expect(failures).toMatchObject([{ error: { code: 'cross_origin_refused' } }]);
    expect(trap.requests).toEqual([]);
  });

  it('that ends its stream before it answers is reported at once', async () => {
    const server = await hostile('event: endpoint\ndata: /messages\n\n');
    const { failures } = await world.load({ s: server.url }, { sdk, transport: 'sse' });
    expect(failures).toMatchObject([{ error: { code: 'unreachable', server: 's' } }]);
  });

  it('that floods its stream while nothing is asked loses the connection, and the next call opens another', async () => {
    const { url, peer, flood } = await flooding();
    const tool = await load({ url });
    expect((await callAsAgent(tool, echo)).text).toBe('done');
    await flood();
    expect(peer.bytesWritten()).toBeLessThan(20_000_000);
    expect((await callAsAgent(tool, echo)).text).toBe('done');
  });

  it('leaves no connection open after close()', async () => {
    const server = await sseServer();
    const loaded = await world.load({ s: server.url }, { sdk, transport: 'sse' });
    await callAsAgent(toolNamed(loaded, 's__echo'), echo);
    await loaded.close();
    await until(() => server.sessions().length === 0);
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(server.requests.filter(({ method, path }) => method === 'GET' && path === '/sse')).toHaveLength(1);
  });
});

/** A server that opens a stream with this start and ends it a little later, and takes messages without an answer. */
async function hostile(start: string) {
  const peer = await startPeer({
    'GET /sse': {
      async onWire({ response, write }) {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        await write(start);
        setTimeout(() => response.end(), 50).unref();
      },
    },
    '*': { status: 202 },
  });
  world.onClose(async () => peer.close());
  return { url: `${peer.origin}/sse`, peer };
}

/** A server whose streams can be flooded. */
async function flooding() {
  let stream: Wire | undefined;
  const results: Readonly<Record<string, object>> = {
    initialize: { protocolVersion: '2024-11-05', capabilities: { tools: {} }, serverInfo: { name: 'f', version: '1' } },
    'tools/list': { tools: [listed('echo')] },
    'tools/call': { content: [{ type: 'text', text: 'done' }] },
  };
  const peer = await startPeer({
    'GET /sse': {
      async onWire(wire) {
        stream = wire;
        wire.response.writeHead(200, { 'content-type': 'text/event-stream' });
        await wire.write('event: endpoint\ndata: /messages\n\n');
        if (!wire.signal.aborted) await once(wire.signal, 'abort');
      },
    },
    '*': async ({ body }) => {
      const { id, method } = JSON.parse(body) as { id?: number; method: string };
      const result = results[method];
      if (result) await stream?.write(`data: ${JSON.stringify({ jsonrpc: '2.0', id, result })}\n\n`);
      return { status: 202 };
    },
  });
  world.onClose(async () => peer.close());
  const notification =
    'data: {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}\n\n';
  const flood = async () => {
    const flooded = stream;
    while (await flooded?.write(notification.repeat(500)));
  };
  return { url: `${peer.origin}/sse`, peer, flood };
}
