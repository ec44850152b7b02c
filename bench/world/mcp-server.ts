import { type ReceivedRequest, type Answer, serve } from './http.ts';
import { SCOPE, type State } from './state.ts';

const RESOURCE_METADATA = '/.well-known/oauth-protected-resource/mcp';

interface Message {
  readonly id?: string | number;
  readonly method: string;
  readonly params?: Params;
}

interface Params {
  readonly protocolVersion?: string;
  /** The tool to call. */
  readonly name?: string;
}

/** A tool with an output schema, which a client validates. */
const REPORT = {
  name: 'report',
  inputSchema: { type: 'object' },
  outputSchema: {
    type: 'object',
    properties: {
      cursor: { type: 'string', pattern: '^[A-Za-z0-9]+$' },
      issues: {
        type: 'array',
        items: {
          type: 'object',
          properties: {
            id: { type: 'string' },
            title: { type: 'string', maxLength: 200 },
            state: { enum: ['open', 'closed'] },
            points: { type: 'integer', minimum: 0 },
          },
          required: ['id', 'title', 'state'],
          additionalProperties: false,
        },
      },
    },
    required: ['cursor', 'issues'],
  },
} as const;

/** Twenty issues, as structured content and as text (MCP 2025-11-25, Structured Content). */
function reportResult(): unknown {
  const issues = Array.from({ length: 20 }, (_, index) => ({
    id: `BOT-${index}`,
    title: `The nightly report of week ${index} is late`,
    state: index % 2 === 0 ? 'open' : 'closed',
    points: index,
  }));
  const structuredContent = { cursor: 'YWJj', issues };
  return { content: [{ type: 'text', text: JSON.stringify(structuredContent) }], structuredContent };
}

/**
 * A minimal MCP server of revision 2025-11-25: Streamable HTTP, no sessions, JSON answers, one tool. It uses no SDK, so that
 * the cost of the server does not hide the cost of the client.
 */
export async function startMcpServer(state: State, issuer: string): Promise<string> {
  const origin = await serve(state.latencyMs, (origin, request) => {
    if (request.path === RESOURCE_METADATA) {
      state.counts.resourceMetadata += 1;
      const json = { resource: `${origin}/mcp`, authorization_servers: [issuer], scopes_supported: [SCOPE] };
      return { status: 200, json };
    }
    if (request.path !== '/mcp') return { status: 404 };
    state.counts.mcp += 1;
    const endsMs = state.tokens.get(request.authorization?.replace(/^Bearer /u, '') ?? '') ?? 0;
    if (endsMs <= performance.now()) {
      state.counts.unauthorized += 1;
      const error = request.authorization === undefined ? '' : 'error="invalid_token", ';
      const challenge = `Bearer ${error}resource_metadata="${origin}${RESOURCE_METADATA}"`;
      return { status: 401, headers: { 'www-authenticate': challenge }, json: { error: 'invalid_token' } };
    }
    // Without server-sent messages and sessions, GET and DELETE are not supported.
    return request.method === 'POST' ? answerOf(request) : { status: 405, headers: { allow: 'POST' } };
  });
  return `${origin}/mcp`;
}

function answerOf(request: ReceivedRequest): Answer {
  const { id, method, params } = JSON.parse(request.body) as Message;
  if (id === undefined) return { status: 202 };
  const result = resultOf(method, params);
  const error = { code: -32601, message: 'Method not found' };
  return { status: 200, json: { jsonrpc: '2.0', id, ...(result === undefined ? { error } : { result }) } };
}

function resultOf(method: string, { protocolVersion = '2025-11-25', name: tool }: Params = {}): unknown {
  switch (method) {
    case 'initialize':
      return { protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'bench', version: '1' } };
    case 'tools/list':
      return { tools: [{ name: 'ping', inputSchema: { type: 'object' } }, REPORT] };
    case 'tools/call':
      return tool === REPORT.name ? reportResult() : { content: [{ type: 'text', text: 'pong' }] };
    default:
      return undefined;
  }
}
