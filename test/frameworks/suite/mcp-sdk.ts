import { mcpAuthProvider } from '@credence/sdk-adapter';
import { mcpAuthProvider as mcpAuthProviderV2 } from '@credence/sdk-adapter/v2';
import * as v2 from '@modelcontextprotocol/client';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import {
  StreamableHTTPClientTransport,
  type StreamableHTTPClientTransportOptions,
} from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { type Connection, textOf, type Way } from '../connection.ts';

const INFO = { name: 'application', version: '1.0.0' };

async function connected(url: URL, options: StreamableHTTPClientTransportOptions): Promise<Connection> {
  const client = new Client(INFO);
  await client.connect(new StreamableHTTPClientTransport(url, options));
  return {
    call: async (tool, args = {}) => textOf(await client.callTool({ name: tool, arguments: args })),
    close: async () => client.close(),
  };
}

async function connectedV2(url: URL, options: v2.StreamableHTTPClientTransportOptions): Promise<Connection> {
  const client = new v2.Client(INFO);
  await client.connect(new v2.StreamableHTTPClientTransport(url, options));
  return {
    call: async (tool, args = {}) => textOf(await client.callTool({ name: tool, arguments: args })),
    close: async () => client.close(),
  };
}

export const ways: readonly Way[] = [
  {
    package: '@modelcontextprotocol/sdk',
    passes: 'fetch',
    connect: async (bot, name) => connected(bot.server(name).url, { fetch: bot.fetchFor(name) }),
  },
  {
    package: '@modelcontextprotocol/sdk',
    passes: 'authProvider',
    connect: async (bot, name) => connected(bot.server(name).url, { authProvider: mcpAuthProvider(bot, name) }),
  },
  {
    package: '@modelcontextprotocol/client',
    passes: 'fetch',
    connect: async (bot, name) => connectedV2(bot.server(name).url, { fetch: bot.fetchFor(name) }),
  },
  {
    package: '@modelcontextprotocol/client',
    passes: 'authProvider',
    connect: async (bot, name) => connectedV2(bot.server(name).url, { authProvider: mcpAuthProviderV2(bot, name) }),
  },
  {
    package: '@modelcontextprotocol/client',
    passes: 'authProvider of the root entry',
    connect: async (bot, name) => connectedV2(bot.server(name).url, { authProvider: mcpAuthProvider(bot, name) }),
  },
];
