import { type Asked, type Said, serve } from './http.ts';
import { SCOPE, type State } from './state.ts';

const RESOURCE_METADATA = '/.well-known/oauth-protected-resource/mcp';

interface Message {
  readonly id?: string | number;
  readonly method: string;
  readonly params?: { readonly protocolVersion?: string };
}

/**
 * The least that is an MCP server of revision 2025-11-25: Streamable HTTP, no sessions, JSON answers, one tool. Written by
 * hand so that its own cost does not hide that of the client.
 */
export async function startMcpServer(state: State, issuer: string): Promise<string> {
  const origin = await serve(state.latencyMs, (origin, asked) => {
    if (asked.path === RESOURCE_METADATA) {
      state.counts.resourceMetadata += 1;
      const json = { resource: `${origin}/mcp`, authorization_servers: [issuer], scopes_supported: [SCOPE] };
      return { status: 200, json };
    }
    if (asked.path !== '/mcp') return { status: 404 };
    state.counts.mcp += 1;
    const endsMs = state.tokens.get(asked.authorization?.replace(/^Bearer /u, '') ?? '') ?? 0;
    if (endsMs <= performance.now()) {
      state.counts.unauthorized += 1;
      const error = asked.authorization === undefined ? '' : 'error="invalid_token", ';
      const challenge = `Bearer ${error}resource_metadata="${origin}${RESOURCE_METADATA}"`;
      return { status: 401, headers: { 'www-authenticate': challenge }, json: { error: 'invalid_token' } };
    }
    // it pushes nothing and keeps no session: no GET stream, nothing to DELETE
    return asked.method === 'POST' ? answered(asked) : { status: 405, headers: { allow: 'POST' } };
  });
  return `${origin}/mcp`;
}

function answered(asked: Asked): Said {
  const { id, method, params } = JSON.parse(asked.body) as Message;
  if (id === undefined) return { status: 202 };
  const result = resultOf(method, params?.protocolVersion);
  const error = { code: -32601, message: 'Method not found' };
  return { status: 200, json: { jsonrpc: '2.0', id, ...(result === undefined ? { error } : { result }) } };
}

function resultOf(method: string, protocolVersion = '2025-11-25'): unknown {
  switch (method) {
    case 'initialize':
      return { protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'bench', version: '1' } };
    case 'tools/list':
      return { tools: [{ name: 'ping', inputSchema: { type: 'object' } }] };
    case 'tools/call':
      return { content: [{ type: 'text', text: 'pong' }] };
    default:
      return undefined;
  }
}
