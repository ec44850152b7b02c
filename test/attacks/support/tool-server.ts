import { clientSecret, type CredenceEvent, ServicePrincipal } from '@credence/core';
import { startOAuthWorld } from '../../support/oauth-world.ts';
import { type PeerAnswer, type PeerRequest, startPeer } from '../../support/peer.ts';

/** A tool as it is in `tools/list`, and the result of its calls. */
export interface ScriptedTool {
  readonly tool: unknown;
  readonly result?: unknown;
}

/** A bot, and an MCP server `tools` of revision 2025-11-25 with these tools. */
export interface ToolWorld {
  readonly bot: ServicePrincipal;
  readonly events: readonly CredenceEvent[];
  close(): Promise<void>;
}

/** `listMembers` are further members of the result of `tools/list`. */
export async function startToolWorld(tools: readonly ScriptedTool[], listMembers: object = {}): Promise<ToolWorld> {
  const world = await startOAuthWorld();
  const { idp, as, idpClient, asClient } = world;
  const peer = await startPeer((request) =>
    request.method === 'POST' ? responseTo(request, tools, listMembers) : { status: 405 },
  );
  const url = `${peer.origin}/mcp`;
  as.protect(url);
  const events: CredenceEvent[] = [];
  const bot = new ServicePrincipal({
    idp: {
      issuer: idp.issuer,
      credential: clientSecret({ clientId: idpClient.clientId, secret: idpClient.secret ?? '' }),
    },
    servers: {
      tools: {
        url,
        issuer: as.issuer,
        credential: clientSecret({ clientId: asClient.clientId, secret: asClient.secret ?? '' }),
        resource: url,
      },
    },
    onEvent: (event) => void events.push(event),
  });
  return {
    bot,
    events,
    async close() {
      await bot.close();
      await peer.close();
      await world.close();
    },
  };
}

interface JsonRpcRequest {
  readonly id?: number;
  readonly method: string;
  readonly params?: { readonly name?: string };
}

function responseTo({ body }: PeerRequest, tools: readonly ScriptedTool[], listMembers: object): PeerAnswer {
  const { id, method, params }: JsonRpcRequest = JSON.parse(body);
  if (id === undefined) return { status: 202 };
  const results: Readonly<Record<string, unknown>> = {
    initialize: {
      protocolVersion: '2025-11-25',
      capabilities: { tools: {} },
      serverInfo: { name: 'tools', version: '1' },
    },
    'tools/list': { ...listMembers, tools: tools.map(({ tool }) => tool) },
    'tools/call': tools.find(({ tool }) => isNamed(tool, params?.name))?.result,
  };
  const result = results[method];
  const error = { code: -32601, message: 'Method not found' };
  return { body: { jsonrpc: '2.0', id, ...(result === undefined ? { error } : { result }) } };
}

function isNamed(tool: unknown, name: string | undefined): boolean {
  return typeof tool === 'object' && tool !== null && 'name' in tool && tool.name === name;
}
