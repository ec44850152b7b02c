import type { ServicePrincipal } from '@credence/core';
import { mcpAuthProvider } from '@credence/sdk-adapter';
import { mcpAuthProvider as v2AuthProvider } from '@credence/sdk-adapter/v2';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import * as v2 from '@modelcontextprotocol/client';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { startV1Streamable } from '../support/mcp-servers/index.ts';
import type { Peer, PeerAnswer, PeerRequest } from '../support/peer.ts';
import {
  countRefused,
  echo,
  echoed,
  type SdkWorld,
  startRelay,
  startSdkWorld,
  type ToolClient,
  until,
} from './sdk-world.ts';

// the calls over HTTP can take long on a busy machine
jest.setTimeout(60_000);

const UNAUTHORIZED = { status: 401, headers: { 'www-authenticate': 'Bearer error="invalid_token"' } };

/** fastmcp, stateful, answers so: 401 `invalid_token` for a request without a session, and for the GET of the event stream. */
function refusesWithoutSession({ method, headers, body }: PeerRequest): PeerAnswer | undefined {
  if (method === 'GET') return UNAUTHORIZED;
  return headers['mcp-session-id'] === undefined && !body.includes('"initialize"') ? UNAUTHORIZED : undefined;
}

async function connectedV1(bot: ServicePrincipal, url: URL): Promise<ToolClient> {
  const client = new Client({ name: 'framework', version: '1' });
  await client.connect(new StreamableHTTPClientTransport(url, { authProvider: mcpAuthProvider(bot, 'notes') }));
  return client;
}

/** A framework that is made for SDK v2 can pass on a provider that is made for v1, because v2 accepts both. */
function connectedV2(provider: typeof mcpAuthProvider | typeof v2AuthProvider) {
  return async (bot: ServicePrincipal, url: URL): Promise<ToolClient> => {
    const client = new v2.Client({ name: 'framework', version: '1' });
    const authProvider = provider(bot, 'notes');
    await client.connect(new v2.StreamableHTTPClientTransport(url, { authProvider }));
    return { callTool: async (params) => client.callTool(params), close: async () => client.close() };
  };
}

describe.each([
  ['SDK v1', connectedV1],
  ['SDK v2', connectedV2(v2AuthProvider)],
  ['SDK v2 and the provider for v1', connectedV2(mcpAuthProvider)],
])('mcpAuthProvider with %s and a server that answers 401 without a session and to GET', (_what, connected) => {
  let world: SdkWorld;
  let relay: Peer;
  let client: ToolClient;

  beforeEach(async () => {
    const started: { world?: SdkWorld } = {};
    relay = await startRelay(() => started.world?.server.url ?? '', refusesWithoutSession);
    const url = `${relay.origin}/mcp`;
    world = await startSdkWorld(startV1Streamable, { entry: { url, resource: url } });
    started.world = world;
    world.as.protect(url);
    client = await connected(world.bot, new URL(url));
    await until(() => relay.received('GET /mcp').length > 0);
  });

  afterEach(async () => {
    await client.close();
    await relay.close();
    await world.close();
  });

  it('discards no token because of the GET', async () => {
    expect(await client.callTool(echo('one'))).toEqual(echoed('one'));
    expect(world.as.issued).toHaveLength(1);
  });

  it('loses no call after a revocation', async () => {
    expect(await client.callTool(echo('before'))).toEqual(echoed('before'));
    for (let round = 1; round <= 2; round += 1) {
      world.as.revokeAll();
      const calls = Array.from({ length: 8 }, async (_, n) => client.callTool(echo(`call ${n}`)));
      expect(countRefused(await Promise.allSettled(calls))).toBe(0);
      expect(world.as.issued).toHaveLength(1 + round);
    }
  });

  it('ends the session with which it checks a token', async () => {
    await client.callTool(echo('before'));
    world.as.revokeAll();
    await client.callTool(echo('after'));
    const opened = relay.received('POST /mcp').filter(({ body }) => body.includes('"initialize"'));
    const accepted = opened.filter(({ headers }) => headers.authorization !== 'Bearer not-a-token');
    expect(accepted.length).toBeGreaterThanOrEqual(2);
    expect(relay.received('DELETE /mcp').length).toBeGreaterThanOrEqual(1);
  });
});

describe.each([
  ['SDK v1', connectedV1],
  ['SDK v2', connectedV2(v2AuthProvider)],
])('mcpAuthProvider with %s and a server that answers 403 invalid_token to a revoked token', (_what, connected) => {
  it('is not called by the SDK: calls fail until the token is invalidated', async () => {
    const started: { world?: SdkWorld } = {};
    const relay = await startRelay(
      () => started.world?.server.url ?? '',
      ({ headers }) =>
        started.world?.as.verify(headers.authorization?.slice('Bearer '.length) ?? '') === undefined
          ? { ...UNAUTHORIZED, status: 403 }
          : undefined,
    );
    const url = `${relay.origin}/mcp`;
    const world = await startSdkWorld(startV1Streamable, { entry: { url, resource: url } });
    started.world = world;
    world.as.protect(url);
    const client = await connected(world.bot, new URL(url));
    const token = await world.bot.token('notes');
    world.as.revokeAll();
    for (const _ of [1, 2]) await expect(client.callTool(echo('refused'))).rejects.toThrow();
    expect(world.as.issued).toHaveLength(1);
    world.bot.invalidate(token);
    expect(await client.callTool(echo('again'))).toEqual(echoed('again'));
    expect(world.as.issued).toHaveLength(2);
    await client.close();
    await relay.close();
    await world.close();
  });
});

describe('mcpAuthProvider with SDK v2 in the mode auto', () => {
  it('does not connect to a server that answers 401 to every request without a session, and keeps the token', async () => {
    const started: { world?: SdkWorld } = {};
    const relay = await startRelay(() => started.world?.server.url ?? '', refusesWithoutSession);
    const url = `${relay.origin}/mcp`;
    const world = await startSdkWorld(startV1Streamable, { entry: { url, resource: url } });
    started.world = world;
    world.as.protect(url);
    const client = new v2.Client({ name: 'framework', version: '1' }, { versionNegotiation: { mode: 'auto' } });
    const authProvider = v2AuthProvider(world.bot, 'notes');
    const transport = new v2.StreamableHTTPClientTransport(new URL(url), { authProvider });
    await expect(client.connect(transport)).rejects.toThrow('401');
    expect(world.as.issued).toHaveLength(1);
    await client.close();
    await relay.close();
    await world.close();
  });
});
