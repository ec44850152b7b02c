import { EXTENSION_EMA } from '@credence/core';
import { connectMcp, emaCapabilities, mcpTransport } from '@credence/sdk-adapter';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { startV1Sse, startV1Streamable, startV2Only2026 } from '../support/mcp-servers/index.ts';
import { echo, echoed, type SdkWorld, startSdkWorld, type StartServer, until } from './sdk-world.ts';

const opened: { close(): Promise<void> }[] = [];

afterEach(async () => {
  for (const resource of opened.splice(0).toReversed()) await resource.close();
});

async function startWorld(start: StartServer): Promise<SdkWorld> {
  const world = await startSdkWorld(start);
  opened.push(world);
  return world;
}

function closing<Resource extends { close(): Promise<void> }>(resource: Resource): Resource {
  opened.push(resource);
  return resource;
}

describe('connectMcp with a client of the caller', () => {
  it('keeps the capabilities of the client and adds the EMA capability', async () => {
    const { bot, server } = await startWorld(startV1Streamable);
    const client = new Client(
      { name: 'mine', version: '7' },
      { capabilities: { roots: { listChanged: true }, extensions: { 'com.example/mine': { deep: true } } } },
    );
    expect(closing(await connectMcp(bot, 'notes', { client }))).toBe(client);
    const initialize = server.journal.find(({ method }) => method === 'initialize');
    expect(initialize?.capabilities).toEqual({
      roots: { listChanged: true },
      extensions: { 'com.example/mine': { deep: true }, [EXTENSION_EMA]: {} },
    });
  });

  it('rejects a client that is already connected, and does not disconnect it', async () => {
    const { bot } = await startWorld(startV1Streamable);
    const client = closing(await connectMcp(bot, 'notes'));
    await expect(connectMcp(bot, 'notes', { client })).rejects.toMatchObject({
      name: 'CredenceError',
      code: 'invalid_configuration',
      leg: 'configure',
      contact: 'you',
    });
    expect(await client.callTool(echo('still there'))).toEqual(echoed('still there'));
  });

  it('can connect the same client after a refusal', async () => {
    const { bot, idp } = await startWorld(startV1Streamable);
    const client = new Client({ name: 'mine', version: '7' });
    idp.script.once('exchange', () => ({ status: 400, body: { error: 'access_denied' } }));
    await expect(connectMcp(bot, 'notes', { client })).rejects.toMatchObject({ code: 'access_denied' });
    // a refusal is cached for a second
    await new Promise((resolve) => setTimeout(resolve, 1_050));
    await connectMcp(bot, 'notes', { client });
    expect(await closing(client).callTool(echo('second try'))).toEqual(echoed('second try'));
  });
});

describe('mcpTransport of SDK v1', () => {
  it('connects a client that declares emaCapabilities', async () => {
    const { bot, server } = await startWorld(startV1Streamable);
    const client = closing(new Client({ name: 'mine', version: '7' }, { capabilities: emaCapabilities }));
    await client.connect(mcpTransport(bot, server.url));
    expect(await client.callTool(echo('by hand'))).toEqual(echoed('by hand'));
    expect(server.journal[0]?.capabilities).toEqual({ extensions: { [EXTENSION_EMA]: {} } });
  });

  it('rejects connect() of the client with the refusal', async () => {
    const { bot, idp } = await startWorld(startV1Sse);
    idp.script.always('exchange', () => ({ status: 400, body: { error: 'access_denied' } }));
    const client = closing(new Client({ name: 'mine', version: '7' }));
    await expect(client.connect(mcpTransport(bot, 'notes', { transport: 'sse' }))).rejects.toMatchObject({
      name: 'CredenceError',
      leg: 'exchange',
    });
  });
});

describe('a connection of SDK v1', () => {
  it('is rejected with the error of a server that supports only 2026-07-28', async () => {
    const { bot } = await startWorld(startV2Only2026);
    await expect(connectMcp(bot, 'notes')).rejects.toThrow(/-?32022|unsupported protocol version/i);
  });

  it('replaces a token that was revoked before it connects, and opens its stream', async () => {
    const { bot, server, as } = await startWorld(startV1Streamable);
    const token = await bot.token('notes');
    as.revoke(token.value);
    closing(await connectMcp(bot, 'notes'));
    await until(() => server.count('GET')[200] === 1);
    expect(server.count('initialize')).toMatchObject({ 200: 1, 401: 1 });
  });

  it('follows a redirect of its GET stream within the origin', async () => {
    const { bot, server } = await startWorld(startV1Streamable);
    const fetch = bot.fetchFor('notes');
    const client = await connectMcp(bot, 'notes', {
      fetch: async (input, init) => {
        const streams = init?.method === 'GET' && !String(input).endsWith(server.movedPath);
        if (streams) server.redirectOnce({ status: 307, location: server.movedPath });
        return fetch(input, init);
      },
    });
    closing(client);
    await until(() => server.count('GET')[200] === 1);
    const streams = server.requests.filter(({ method, path }) => method === 'GET' && !path.startsWith('/.well-known'));
    expect(streams.map(({ path, status }) => ({ path, status }))).toEqual([
      { path: '/mcp', status: 307 },
      { path: server.movedPath, status: 200 },
    ]);
    expect(await client.callTool(echo('fine'))).toEqual(echoed('fine'));
  });

  it('over SSE closes with the refusal if the stream is refused later', async () => {
    const sse: { loseSessions?: () => Promise<void> } = {};
    const { bot, server, as, idp } = await startWorld(async (options) => Object.assign(sse, await startV1Sse(options)));
    const client = closing(await connectMcp(bot, 'notes', { transport: 'sse' }));
    const errors: Error[] = [];
    let closed = 0;
    Object.assign(client, {
      onerror: (error: Error) => errors.push(error),
      onclose: () => (closed += 1),
    });
    const slow = client.callTool({ name: 'slow', arguments: { ms: 30_000 } });
    const ended = expect(slow).rejects.toThrow();
    await until(() => server.workbench.executed.length === 1);

    idp.script.always('exchange', () => ({ status: 400, body: { error: 'access_denied' } }));
    as.script.always('redeem', () => ({ status: 400, body: { error: 'invalid_grant' } }));
    as.revokeAll();
    await sse.loseSessions?.();
    await ended;
    expect(closed).toBe(1);
    expect(errors.at(-1)).toMatchObject({ name: 'CredenceError', code: 'access_denied', leg: 'exchange' });
  });
});
