import type { ServicePrincipal } from '@credence/core';
import { mcpAuthProvider } from '@credence/sdk-adapter';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { startV1Sse, startV1Streamable, type VerifyToken } from '../support/mcp-servers/index.ts';
import type { Peer, PeerAnswer, PeerRequest } from '../support/peer.ts';
import { describeAuthProvider } from './sdk-auth-provider.ts';
import {
  connectedOrClosed,
  countRefused,
  echo,
  echoed,
  type SdkWorld,
  startRelay,
  startSdkWorld,
  until,
} from './sdk-world.ts';

const provider = (bot: ServicePrincipal) => mcpAuthProvider(bot, 'notes');

async function connected(
  bot: ServicePrincipal,
  Transport: typeof StreamableHTTPClientTransport | typeof SSEClientTransport,
) {
  const transport = new Transport(bot.server('notes').url, { authProvider: provider(bot) });
  return connectedOrClosed(new Client({ name: 'framework', version: '1' }), async (client) =>
    client.connect(transport),
  );
}

describeAuthProvider('SDK v1 over Streamable HTTP', {
  start: startV1Streamable,
  connect: async (bot) => connected(bot, StreamableHTTPClientTransport),
  provider,
  firstRequest: 'initialize',
});

describeAuthProvider('SDK v1 over SSE', {
  start: startV1Sse,
  connect: async (bot) => connected(bot, SSEClientTransport),
  provider,
  firstRequest: 'GET',
});

describe('mcpAuthProvider with SDK v1 and a server that checks tokens only for some requests', () => {
  const opened: { close(): Promise<void> }[] = [];

  afterEach(async () => {
    for (const resource of opened.splice(0).toReversed()) await resource.close();
  });

  /** A bot whose server is behind a relay that can answer in its place. */
  async function behindRelay(
    verify: VerifyToken | undefined,
    instead: (request: PeerRequest, world: SdkWorld) => PeerAnswer | undefined,
  ): Promise<{ world: SdkWorld; relay: Peer; client: Client; url: URL }> {
    const started: { world?: SdkWorld } = {};
    const relay = await startRelay(
      () => started.world?.server.url ?? '',
      (request) => started.world && instead(request, started.world),
    );
    opened.push(relay);
    const url = `${relay.origin}/mcp`;
    const world = await startSdkWorld(async (options) => startV1Streamable(verify ? { ...options, verify } : options), {
      entry: { url, resource: url },
    });
    started.world = world;
    opened.push(world);
    world.as.protect(url);
    const client = new Client({ name: 'framework', version: '1' });
    opened.push(client);
    return { world, relay, client, url: new URL(url) };
  }

  it('reports one error for the GET stream, and calls still succeed', async () => {
    const { world, relay, client, url } = await behindRelay(undefined, ({ method }) =>
      method === 'GET' ? { status: 401, headers: { 'www-authenticate': 'Bearer' } } : undefined,
    );
    const errors: unknown[] = [];
    Object.assign(client, { onerror: (error: Error) => errors.push(error) });
    await client.connect(new StreamableHTTPClientTransport(url, { authProvider: provider(world.bot) }));
    await until(() => errors.length > 0);
    expect(errors[0]).toMatchObject({ name: 'CredenceError', code: 'token_refused', leg: 'call', server: 'notes' });
    const refused = relay.received('GET /mcp').length;
    expect(refused).toBeLessThanOrEqual(3);

    expect(await client.callTool(echo('still there'))).toEqual(echoed('still there'));
    expect(relay.received('GET /mcp')).toHaveLength(refused);
    // the SDK reports the same error several times
    expect(new Set(errors).size).toBe(1);
    expect(world.as.issued.length).toBeLessThanOrEqual(2);
  });

  it('replaces a revoked token also if the server accepts a ping without a token', async () => {
    const anyone: VerifyToken = () => ({ clientId: 'anyone', scopes: ['tools:read'] });
    const { world, client, url } = await behindRelay(anyone, ({ body, headers }, { as }) => {
      const good = as.verify(headers.authorization?.slice('Bearer '.length) ?? '') !== undefined;
      if (good || !body.includes('tools/call')) return undefined;
      return { status: 401, headers: { 'www-authenticate': 'Bearer error="invalid_token"' } };
    });
    await client.connect(new StreamableHTTPClientTransport(url, { authProvider: provider(world.bot) }));
    expect(await client.callTool(echo('before'))).toEqual(echoed('before'));
    world.as.revokeAll();
    expect(await client.callTool(echo('after'))).toEqual(echoed('after'));
    expect(world.as.issued).toHaveLength(2);
  });
});

describe('mcpAuthProvider with SDK v1 and a server that refuses one call later than the others', () => {
  it('loses no call, because the calls wait for each one that is unanswered', async () => {
    const world = await startSdkWorld(startV1Streamable);
    const client = await connected(world.bot, StreamableHTTPClientTransport);
    await client.callTool(echo('before'));
    world.as.revokeAll();
    const { behaviour, requests } = world.server;
    const sent = requests.length;
    behaviour.latencyMs = 600;
    const late = client.callTool(echo('late'));
    await until(() => requests.length > sent);
    behaviour.latencyMs = 0;
    const others = Array.from({ length: 19 }, async (_, n) => client.callTool(echo(`call ${n}`)));
    // The provider sends a second initialize, to find out which token the server accepts.
    await until(() => world.server.count('initialize')[200] === 2);
    // The calls are sent again slowly: the SDK has no success yet when the late refusal arrives, unless they wait for it.
    behaviour.latencyMs = 600;
    const outcomes = await Promise.allSettled([late, ...others]);
    expect(countRefused(outcomes)).toBe(0);
    expect(world.as.issued).toHaveLength(2);
    await client.close();
    await world.close();
  });
});
