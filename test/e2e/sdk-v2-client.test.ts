import { EXTENSION_EMA } from '@credence/core';
import { loadTools } from '@credence/langchain';
import { connectMcp, type ConnectMcpOptions, emaCapabilities, mcpTransport } from '@credence/sdk-adapter/v2';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import type { Peer, PeerAnswer } from '../support/peer.ts';
import { startV1Streamable, startV2BothRevisions, startV2Only2026 } from '../support/mcp-servers/index.ts';
import { echo, echoed, type SdkWorld, startRelay, startSdkWorld, type StartServer } from './sdk-world.ts';

const opened: { close(): Promise<void> }[] = [];

afterEach(async () => {
  for (const resource of opened.splice(0).toReversed()) await resource.close();
});

async function startWorld(start: StartServer, entry: Parameters<typeof startSdkWorld>[1] = {}): Promise<SdkWorld> {
  const world = await startSdkWorld(start, entry);
  opened.push(world);
  return world;
}

function closing<Resource extends { close(): Promise<void> }>(resource: Resource): Resource {
  opened.push(resource);
  return resource;
}

const modes: { mode: string; options: ConnectMcpOptions }[] = [
  { mode: 'auto', options: {} },
  { mode: 'legacy', options: { versionNegotiation: { mode: 'legacy' } } },
  { mode: 'pin', options: { versionNegotiation: { mode: { pin: '2026-07-28' } } } },
];

describe.each(modes)('a refusal while SDK v2 connects in mode $mode', ({ options }) => {
  it('by the IdP rejects connectMcp with the CredenceError', async () => {
    const { bot, idp } = await startWorld(startV2BothRevisions);
    idp.script.always('exchange', () => ({ status: 400, body: { error: 'access_denied' } }));
    await expect(connectMcp(bot, 'notes', options)).rejects.toMatchObject({
      name: 'CredenceError',
      code: 'access_denied',
      leg: 'exchange',
    });
  });

  it('in the first response of the server rejects connectMcp with the CredenceError', async () => {
    const started: { world?: SdkWorld } = {};
    const relay = closing(
      await startRelay(
        () => started.world?.server.url ?? '',
        ({ method }) => (method === 'POST' ? { status: 403, headers: { 'www-authenticate': 'Bearer' } } : undefined),
      ),
    );
    const url = `${relay.origin}/mcp`;
    started.world = await startWorld(startV2BothRevisions, { entry: { url, resource: url } });
    started.world.as.protect(url);
    await expect(connectMcp(started.world.bot, 'notes', options)).rejects.toMatchObject({
      name: 'CredenceError',
      code: 'forbidden',
      leg: 'call',
      status: 403,
    });
    expect(relay.received('POST /mcp')).toHaveLength(1);
  });
});

describe('a connection of SDK v2', () => {
  it('declares the EMA capability in the _meta of every request on 2026-07-28', async () => {
    const { bot, server } = await startWorld(startV2Only2026);
    const client = closing(await connectMcp(bot, 'notes'));
    await client.listTools();
    await client.callTool(echo('once'));
    const methods = server.journal.map(({ method }) => method);
    expect(methods).toEqual(['server/discover', 'tools/list', 'tools/call']);
    for (const { capabilities } of server.journal) {
      expect(capabilities).toMatchObject({ extensions: { [EXTENSION_EMA]: {} } });
    }
  });

  it('is rejected with the error of the SDK if the server does not support the pinned revision', async () => {
    const { bot } = await startWorld(startV1Streamable);
    const pinned = connectMcp(bot, 'notes', { versionNegotiation: { mode: { pin: '2026-07-28' } } });
    await expect(pinned).rejects.toMatchObject({ code: 'ERA_NEGOTIATION_FAILED' });
  });
});

describe.each<[string, PeerAnswer]>([
  ['invalid_token', { status: 401, headers: { 'www-authenticate': 'Bearer error="invalid_token"' } }],
  ['no challenge', { status: 401, body: '{"error":"no session"}' }],
])(
  'SDK v2 in its default and a server that answers 401 with %s to every request without a session',
  (_what, answer) => {
    async function start(): Promise<{ world: SdkWorld; url: URL; relay: Peer }> {
      const started: { world?: SdkWorld } = {};
      const relay = closing(
        await startRelay(
          () => started.world?.server.url ?? '',
          ({ headers, body }) =>
            headers['mcp-session-id'] === undefined && !body.includes('"initialize"') ? answer : undefined,
        ),
      );
      const url = `${relay.origin}/mcp`;
      const world = await startWorld(startV1Streamable, { entry: { url, resource: url } });
      started.world = world;
      world.as.protect(url);
      return { world, url: new URL(url), relay };
    }

    it('connects by connectMcp with one token, also a second time', async () => {
      const { world } = await start();
      for (const text of ['first', 'second']) {
        const client = closing(await connectMcp(world.bot, 'notes'));
        expect(await client.callTool(echo(text))).toEqual(echoed(text));
      }
      expect(world.as.issued).toHaveLength(1);
    });

    it('connects a client of the caller over fetchFor with one token', async () => {
      const { world, url } = await start();
      const client = closing(new Client({ name: 'mine', version: '7' }, { versionNegotiation: { mode: 'auto' } }));
      await client.connect(new StreamableHTTPClientTransport(url, { fetch: world.bot.fetchFor('notes') }));
      expect(await client.callTool(echo('raw'))).toEqual(echoed('raw'));
      expect(world.as.issued).toHaveLength(1);
    });

    it('loads tools with one token', async () => {
      const { world } = await start();
      const { tools, failures } = closing(await loadTools(world.bot, ['notes'], { sdk: 'v2' }));
      expect(failures).toEqual([]);
      expect(tools.length).toBeGreaterThan(0);
      expect(world.as.issued).toHaveLength(1);
    });

    it('replaces a token that was revoked before it connects', async () => {
      const { world } = await start();
      await world.bot.token('notes');
      world.as.revokeAll();
      const client = closing(await connectMcp(world.bot, 'notes'));
      expect(await client.callTool(echo('new token'))).toEqual(echoed('new token'));
      expect(world.as.issued).toHaveLength(2);
    });

    it('is refused with a CredenceError if the server refuses every token', async () => {
      const { world } = await start();
      world.server.behaviour.alwaysUnauthorized = true;
      await expect(connectMcp(world.bot, 'notes')).rejects.toMatchObject({ code: 'token_refused', leg: 'call' });
      expect(world.as.issued).toHaveLength(2);
    });
  },
);

describe('connectMcp with a client of the caller', () => {
  it('keeps its capabilities and version negotiation, and adds the EMA capability', async () => {
    const { bot, server } = await startWorld(startV2BothRevisions);
    const client = new Client(
      { name: 'mine', version: '7' },
      { capabilities: { roots: {}, extensions: { 'com.example/mine': {} } } },
    );
    expect(closing(await connectMcp(bot, 'notes', { client }))).toBe(client);
    expect(server.journal[0]).toMatchObject({
      method: 'initialize',
      capabilities: { roots: {}, extensions: { 'com.example/mine': {}, [EXTENSION_EMA]: {} } },
    });
  });

  it('rejects a client that is already connected, and does not disconnect it', async () => {
    const { bot } = await startWorld(startV2BothRevisions);
    const client = closing(await connectMcp(bot, 'notes'));
    await expect(connectMcp(bot, 'notes', { client })).rejects.toMatchObject({
      code: 'invalid_configuration',
      leg: 'configure',
    });
    expect(await client.callTool(echo('still there'))).toEqual(echoed('still there'));
  });
});

describe('mcpTransport of SDK v2', () => {
  it('connects a client that declares emaCapabilities, and rejects connect() with a refusal', async () => {
    const { bot, idp, server } = await startWorld(startV2BothRevisions);
    idp.script.once('exchange', () => ({ status: 400, body: { error: 'access_denied' } }));
    const createClient = () =>
      closing(
        new Client(
          { name: 'mine', version: '7' },
          { capabilities: emaCapabilities, versionNegotiation: { mode: 'auto' } },
        ),
      );
    await expect(createClient().connect(mcpTransport(bot, 'notes'))).rejects.toMatchObject({ leg: 'exchange' });
    await new Promise((resolve) => setTimeout(resolve, 1_050));
    const client = createClient();
    await client.connect(mcpTransport(bot, 'notes'));
    expect(await client.callTool(echo('by hand'))).toEqual(echoed('by hand'));
    expect(server.journal[0]?.capabilities).toEqual({ extensions: { [EXTENSION_EMA]: {} } });
  });
});
