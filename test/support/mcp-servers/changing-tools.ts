import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { Server as V1Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { createMcpHandler, Server as V2Server } from '@modelcontextprotocol/server';
import type { FixtureOptions, McpFixture } from './fixture.ts';
import { startFront } from './front.ts';

/** A tool as these servers list it. */
interface Tool {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: { readonly type: 'object'; readonly properties: Record<string, { type: 'string' }> };
}

/** A server whose list of tools a test changes while it runs. */
export interface ChangingFixture extends McpFixture {
  /** The present tools. A test changes the list, and then calls `announce`. */
  tools: Tool[];
  /** The calls that ran, in order: `<tool> <arguments as JSON>`. */
  readonly executed: readonly string[];
  /** Sends `notifications/tools/list_changed` to every client. */
  announce(): Promise<void>;
  /** The number of sockets with a request that is being answered, such as a stream. */
  open(): number;
  /** Ends every session, like a restart of the server. Of servers without sessions it ends the subscriptions. */
  restart(): Promise<void>;
}

const CAPABILITIES = { capabilities: { tools: { listChanged: true } } };
const INFO = { name: 'changing', version: '1.0.0' };

/** What the server of one session or request needs of the fixture. */
type State = Pick<ChangingFixture, 'tools'> & { readonly executed: string[]; open: number };

function counted(state: State, response: ServerResponse): void {
  state.open += 1;
  response.on('close', () => (state.open -= 1));
}

function run({ executed }: State, name: string, args: unknown) {
  executed.push(`${name} ${JSON.stringify(args ?? {})}`);
  return { content: [{ type: 'text' as const, text: `${name} ran` }] };
}

/** A tool with these properties in its schema. */
export function changingTool(name: string, ...properties: string[]): Tool {
  const schema = properties.map((property) => [property, { type: 'string' }] as const);
  return {
    name,
    description: `The tool ${name}`,
    inputSchema: { type: 'object', properties: Object.fromEntries(schema) },
  };
}

/** An SDK v1 server with sessions and a stream of notifications. */
export async function startChanging2025(options: FixtureOptions): Promise<ChangingFixture> {
  const state: State = { tools: [], executed: [], open: 0 };
  const sessions = new Map<string, { transport: StreamableHTTPServerTransport; server: V1Server }>();

  async function openSession(): Promise<StreamableHTTPServerTransport> {
    const server = new V1Server(INFO, CAPABILITIES);
    server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: state.tools }));
    server.setRequestHandler(CallToolRequestSchema, ({ params }) => run(state, params.name, params.arguments));
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (id) => void sessions.set(id, { transport, server }),
      onsessionclosed: (id) => void sessions.delete(id),
    });
    await server.connect(transport);
    return transport;
  }

  const front = await startFront(options, {
    path: '/mcp',
    checksToolScopes: false,
    async serve({ request, response, body }) {
      counted(state, response);
      const id = request.headers['mcp-session-id'];
      const open = typeof id === 'string' ? sessions.get(id)?.transport : undefined;
      if (id === undefined || open) return (open ?? (await openSession())).handleRequest(request, response, body);
      response.writeHead(404, { 'content-type': 'application/json' });
      response.end(
        JSON.stringify({ jsonrpc: '2.0', error: { code: -32_001, message: 'Session not found' }, id: null }),
      );
    },
  });
  return fixture(state, front, {
    announce: async () => {
      await Promise.all([...sessions.values()].map(async ({ server }) => server.sendToolListChanged()));
    },
    restart: async () => {
      const lost = [...sessions.values()];
      sessions.clear();
      await Promise.all(lost.map(async ({ transport }) => transport.close()));
    },
  });
}

/** An SDK v2 server of revision 2026-07-28, to whose changes a client subscribes. */
export async function startChanging2026(options: FixtureOptions): Promise<ChangingFixture> {
  const state: State = { tools: [], executed: [], open: 0 };
  const create = () =>
    createMcpHandler(
      () => {
        const server = new V2Server(INFO, CAPABILITIES);
        server.setRequestHandler('tools/list', () => ({ tools: state.tools, resultType: 'complete' as const }));
        server.setRequestHandler('tools/call', ({ params }) => run(state, params.name, params.arguments));
        return server;
      },
      { legacy: 'reject' },
    );
  let handler = create();
  const front = await startFront(options, {
    path: '/mcp',
    checksToolScopes: false,
    async serve({ request, response, body }) {
      counted(state, response);
      return toNodeHandler(handler)(request, response, body);
    },
  });
  return fixture(state, front, {
    announce: async () => Promise.resolve(handler.notify.toolsChanged()),
    restart: async () => {
      const old = handler;
      handler = create();
      await old.close();
    },
  });
}

function fixture(
  state: State,
  front: McpFixture,
  { announce, restart }: Pick<ChangingFixture, 'announce' | 'restart'>,
): ChangingFixture {
  return {
    ...front,
    get tools() {
      return state.tools;
    },
    set tools(tools) {
      state.tools = tools;
    },
    executed: state.executed,
    announce,
    open: () => state.open,
    restart,
    async close() {
      await restart();
      await front.close();
    },
  };
}
