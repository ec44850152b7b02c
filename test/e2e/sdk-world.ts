import { clientSecret, type McpServerOptions, ServicePrincipal } from '@credence/core';
import { expect } from '@jest/globals';
import type { FixtureOptions, McpFixture, Workbench } from '../support/mcp-servers/index.ts';
import { type Peer, type PeerAnswer, type PeerRequest, startPeer } from '../support/peer.ts';
import { type OAuthWorld, startOAuthWorld, type WorldOptions } from '../support/oauth-world.ts';

export type ToolServer = McpFixture & { readonly workbench: Workbench };
export type StartServer = (options: FixtureOptions) => Promise<ToolServer>;

/** The methods of a client that the tests use, in the form of SDK v1. */
export interface ToolClient {
  callTool(
    params: { name: string; arguments: Record<string, unknown> },
    schema?: undefined,
    options?: { signal?: AbortSignal },
  ): Promise<unknown>;
  close(): Promise<void>;
}

/** A scripted IdP and authorization server, an MCP server that accepts its access tokens, and a bot with this server as `notes`. */
export interface SdkWorld extends OAuthWorld {
  readonly server: ToolServer;
  readonly bot: ServicePrincipal;
}

export async function startSdkWorld(
  start: StartServer,
  options: { world?: WorldOptions; entry?: Partial<McpServerOptions> } = {},
): Promise<SdkWorld> {
  const world = await startOAuthWorld(options.world);
  const { idp, as, idpClient, asClient } = world;
  const server = await start({ verify: as.verify, issuers: [as.issuer], scopesSupported: ['tools:read'] });
  as.protect(server.url);
  const bot = new ServicePrincipal({
    idp: {
      issuer: idp.issuer,
      credential: clientSecret({ clientId: idpClient.clientId, secret: idpClient.secret ?? '' }),
    },
    servers: {
      notes: {
        url: server.url,
        issuer: as.issuer,
        credential: clientSecret({ clientId: asClient.clientId, secret: asClient.secret ?? '' }),
        scopes: ['tools:read'],
        stepUp: ['tools:write'],
        ...options.entry,
      },
    },
  });
  return {
    ...world,
    server,
    bot,
    async close() {
      await bot.close();
      await server.close();
      await world.close();
    },
  };
}

export function echo(message: string): { name: string; arguments: Record<string, unknown> } {
  return { name: 'echo', arguments: { message } };
}

/** The expected result of the tool `echo`. */
export function echoed(message: string): unknown {
  return expect.objectContaining({ content: [{ type: 'text', text: message }] });
}

/** Resolves when `condition` is true. Rejects after 20 seconds. */
export async function until(condition: () => boolean): Promise<void> {
  await untilAsync(async () => condition(), 5);
}

export async function untilAsync(condition: () => Promise<boolean>, everyMs = 100): Promise<void> {
  const latestMs = performance.now() + 20_000;
  while (!(await condition())) {
    if (performance.now() > latestMs) throw new Error(`did not become true: ${String(condition)}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

/** A promise with a function that resolves it. */
export function gate(): { readonly opened: Promise<void>; open: () => void } {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

export function countRefused(outcomes: readonly PromiseSettledResult<unknown>[]): number {
  return outcomes.filter(({ status }) => status === 'rejected').length;
}

const REQUEST_HEADERS = ['authorization', 'content-type', 'accept', 'mcp-session-id', 'mcp-protocol-version'];
const RESPONSE_HEADERS = ['content-type', 'mcp-session-id', 'www-authenticate'];

/** A relay in front of a server. It answers a request if `instead` returns an answer, and forwards all others. */
export async function startRelay(
  target: () => string,
  instead: (request: PeerRequest) => PeerAnswer | undefined,
): Promise<Peer> {
  return startPeer(async (request) => {
    const answer = instead(request);
    if (answer) return answer;
    const headers = new Headers();
    for (const name of REQUEST_HEADERS) {
      const value = request.headers[name];
      if (typeof value === 'string') headers.set(name, value);
    }
    const { method, body } = request;
    const relayed = await fetch(target(), { method, headers, ...(body !== '' && { body }) });
    const back = RESPONSE_HEADERS.flatMap((name) => {
      const value = relayed.headers.get(name);
      return value === null ? [] : [[name, value] as const];
    });
    return { status: relayed.status, headers: Object.fromEntries(back), body: await relayed.text() };
  });
}

/** Connects a client. If that fails, it closes the client: over SSE the SDKs would reconnect without end. */
export async function connectedOrClosed<Client extends { close(): Promise<void> }>(
  client: Client,
  connect: (client: Client) => Promise<void>,
): Promise<Client> {
  try {
    await connect(client);
    return client;
  } catch (error) {
    await client.close();
    throw error;
  }
}
