import type { ServicePrincipal } from '@credence/core';
import { mcpConnections } from '@credence/langchain';
import { mcpAuthProvider, mcpServersConfig } from '@credence/sdk-adapter';
import { mcpAuthProvider as mcpAuthProviderV2 } from '@credence/sdk-adapter/v2';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Client as ClientV2, StreamableHTTPClientTransport as TransportV2 } from '@modelcontextprotocol/client';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { MultiServerMCPClient } from '@langchain/mcp-adapters';
import { botWith, refusal, withoutNetwork, world } from '../test-support/bots.ts';

withoutNetwork();

const INFO = { name: 'test', version: '1.0.0' };
const opened: { close(): Promise<void> }[] = [];
/** An event stream of the SDK tries again until its transport is closed. */
const closing = <T extends { close(): Promise<void> }>(resource: T): T => {
  opened.push(resource);
  return resource;
};
afterEach(async () => {
  for (const resource of opened.splice(0)) await resource.close();
});

const urlOf = (bot: ServicePrincipal) => bot.server('issues').url;

/** Clients that send their requests with the global fetch, because they are given only an auth provider. */
const clients: [string, (bot: ServicePrincipal) => Promise<unknown>][] = [
  [
    'the SDK v1',
    async (bot) =>
      new Client(INFO).connect(
        new StreamableHTTPClientTransport(urlOf(bot), { authProvider: mcpAuthProvider(bot, 'issues') }),
      ),
  ],
  [
    'the SDK v1 with SSE',
    async (bot) =>
      new Client(INFO).connect(
        closing(new SSEClientTransport(urlOf(bot), { authProvider: mcpAuthProvider(bot, 'issues') })),
      ),
  ],
  [
    'the SDK v2',
    async (bot) =>
      new ClientV2(INFO).connect(new TransportV2(urlOf(bot), { authProvider: mcpAuthProviderV2(bot, 'issues') })),
  ],
  [
    'Mastra 0',
    async (bot) => {
      const { authProvider } = mcpServersConfig(bot, { framework: 'mastra-0' })['issues'] ?? {};
      if (authProvider === undefined) throw new Error('no provider');
      return new Client(INFO).connect(new StreamableHTTPClientTransport(urlOf(bot), { authProvider }));
    },
  ],
  ['mcp-adapters', async (bot) => closing(new MultiServerMCPClient({ mcpServers: mcpConnections(bot) })).getTools()],
];

describe.each(clients)('an auth provider in %s', (_client, connect) => {
  it('is refused for a bot of the fake before a request is sent', async () => {
    const idp = world();
    const error = await refusal(connect(botWith(idp.options('reporting-bot'))));
    expect(error.message).toContain("Pass fetch: bot.fetchFor('issues')");
    expect(idp.requestsOf('call')).toEqual([]);
  });

  it('is refused for a bot whose fetch wraps that of the fake, and for a user', async () => {
    const idp = world();
    const bot = botWith({ ...idp.options('reporting-bot'), fetch: async (...args) => idp.fetch(...args) });
    await expect(connect(bot)).rejects.toThrow("Pass fetch: bot.fetchFor('issues')");
    const user = bot.onBehalfOf(() => idp.idToken({ subject: 'ada', principal: 'reporting-bot' }), { identity: 'ada' });
    await expect(connect(user)).rejects.toThrow("Pass fetch: bot.fetchFor('issues')");
  });
});

it('the refusal of an auth provider is a CredenceError', async () => {
  const provider = mcpAuthProvider(botWith(world().options('reporting-bot')), 'issues');
  await expect(provider.tokens()).rejects.toMatchObject({
    code: 'invalid_configuration',
    leg: 'configure',
    contact: 'you',
    server: 'issues',
  });
});

it('a client with the fetch of the bot works with the fake', async () => {
  const bot = botWith(world().options('reporting-bot'));
  const client = new Client(INFO);
  await client.connect(new StreamableHTTPClientTransport(urlOf(bot), { fetch: bot.fetchFor('issues') }));
  await expect(client.listTools()).resolves.toHaveProperty('tools');
  await client.close();
});
