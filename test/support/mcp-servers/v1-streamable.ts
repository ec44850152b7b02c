import { randomUUID } from 'node:crypto';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { isInitializeRequest } from '@modelcontextprotocol/sdk/types.js';
import type { FixtureOptions, McpFixture } from './fixture.ts';
import { type Exchange, startFront } from './front.ts';
import { Workbench } from './tools.ts';
import { v1McpServer } from './v1-server.ts';

export interface SessionFixture extends McpFixture {
  readonly workbench: Workbench;
  /** The ids of the open sessions. */
  sessions(): readonly string[];
  /** Ends every session, like a restart of the server: the next request with an old session id is answered with 404. */
  loseSessions(): Promise<void>;
}

function sendRpcError(exchange: Exchange, status: number, code: number, message: string): void {
  exchange.response.writeHead(status, { 'content-type': 'application/json' });
  exchange.response.end(JSON.stringify({ jsonrpc: '2.0', error: { code, message }, id: null }));
}

/** An SDK v1 server with Streamable HTTP: one session for each client, SSE answers, and a GET stream. */
export async function startV1Streamable(options: FixtureOptions): Promise<SessionFixture> {
  const workbench = new Workbench();
  const sessions = new Map<string, StreamableHTTPServerTransport>();

  async function openSession(): Promise<StreamableHTTPServerTransport> {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (id) => {
        sessions.set(id, transport);
      },
      onsessionclosed: (id) => {
        sessions.delete(id);
      },
    });
    await v1McpServer(workbench).connect(transport);
    return transport;
  }

  async function serve(exchange: Exchange): Promise<void> {
    const { request, response, body } = exchange;
    const id = request.headers['mcp-session-id'];
    if (id === undefined) {
      if (!isInitializeRequest(body)) return sendRpcError(exchange, 400, -32000, 'Session id required');
      const transport = await openSession();
      return transport.handleRequest(request, response, body);
    }
    const transport = typeof id === 'string' ? sessions.get(id) : undefined;
    if (transport === undefined) return sendRpcError(exchange, 404, -32001, 'Session not found');
    return transport.handleRequest(request, response, body);
  }

  async function loseSessions(): Promise<void> {
    const lost = [...sessions.values()];
    sessions.clear();
    await Promise.all(lost.map(async (transport) => transport.close()));
  }

  const front = await startFront(options, { path: '/mcp', checksToolScopes: true, serve });
  return {
    ...front,
    workbench,
    sessions: () => [...sessions.keys()],
    loseSessions,
    async close() {
      workbench.stop();
      await loseSessions();
      await front.close();
    },
  };
}
