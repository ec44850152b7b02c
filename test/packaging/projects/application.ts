/** The code of an application. It is compiled against the packed packages, and against the source files by `npm run check`. */
import {
  clientSecret,
  isCredenceError,
  ownToken,
  privateKeyJwt,
  ServicePrincipal,
  type ServicePrincipalOptions,
} from '@credence/core';
import { loadTools } from '@credence/langchain';
import { connectMcp, mcpTransport } from '@credence/sdk-adapter';
import { connectMcp as connectMcpV2 } from '@credence/sdk-adapter/v2';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { StreamableHTTPClientTransport as TransportV2 } from '@modelcontextprotocol/client';

const options: ServicePrincipalOptions = {
  idp: {
    issuer: 'https://acme.example',
    credential: privateKeyJwt({ clientId: 'reporting-bot', key: process.env['BOT_KEY'] ?? '' }),
    subject: ownToken(),
  },
  servers: {
    tracker: {
      url: 'https://mcp.tracker.example/mcp',
      issuer: 'https://tracker.example',
      credential: clientSecret({ clientId: 'a1b2', secret: process.env['TRACKER_SECRET'] ?? '' }),
      scopes: ['issues:read'],
      stepUp: ['issues:write'],
    },
  },
};

export async function countTools(): Promise<number> {
  const bot = new ServicePrincipal(options);
  try {
    const token = await bot.token('tracker');
    const client = await connectMcp(bot, 'tracker');
    const { tools } = await client.listTools();
    const clientV2 = await connectMcpV2(bot, 'tracker');
    await clientV2.listTools();
    const loaded = await loadTools(bot, ['tracker']);
    await loaded.close();
    return tools.length + loaded.tools.length + token.value.length;
  } catch (error) {
    if (isCredenceError(error)) return error.remedy.length;
    throw error;
  } finally {
    await bot.close();
  }
}

/** The transports of both SDKs accept the principal's fetch, and a client of the SDK accepts `mcpTransport`. */
export async function plug(bot: ServicePrincipal): Promise<readonly unknown[]> {
  const url = new URL('https://mcp.tracker.example/mcp');
  const client = new Client({ name: 'app', version: '1.0.0' });
  await client.connect(mcpTransport(bot, 'tracker'));
  const replacement: typeof fetch = bot.fetchFor('tracker');
  return [
    client,
    await replacement(new Request(url, { method: 'DELETE' })),
    new StreamableHTTPClientTransport(url, { fetch: bot.fetchFor('tracker') }),
    new TransportV2(url, { fetch: bot.fetchFor('tracker') }),
  ];
}
