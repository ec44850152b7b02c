import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js';
import type { FixtureOptions } from './fixture.ts';
import { type Exchange, startFront } from './front.ts';
import { Workbench } from './tools.ts';
import { v1McpServer } from './v1-server.ts';
import type { SessionFixture } from './v1-streamable.ts';

const SSE_PATH = '/sse';
const MESSAGES_PATH = '/messages';

/** An SDK v1 server with the HTTP+SSE transport of revision 2024-11-05: a GET stream and a path for messages. */
export async function startV1Sse(options: FixtureOptions): Promise<SessionFixture> {
  const workbench = new Workbench();
  const sessions = new Map<string, SSEServerTransport>();

  async function serve({ request, response, body, url }: Exchange): Promise<void> {
    if (request.method === 'GET' && url.pathname !== MESSAGES_PATH) {
      const transport = new SSEServerTransport(MESSAGES_PATH, response);
      sessions.set(transport.sessionId, transport);
      response.on('close', () => sessions.delete(transport.sessionId));
      await v1McpServer(workbench).connect(transport);
      // A client that lost the stream reconnects after this many milliseconds. Its default is three seconds.
      response.write('retry: 100\n\n');
      return;
    }
    if (request.method !== 'POST' || url.pathname !== MESSAGES_PATH) {
      response.writeHead(405, { allow: url.pathname === MESSAGES_PATH ? 'POST' : 'GET' }).end();
      return;
    }
    const transport = sessions.get(url.searchParams.get('sessionId') ?? '');
    if (transport === undefined) {
      response.writeHead(404).end('Session not found');
      return;
    }
    await transport.handlePostMessage(request, response, body);
  }

  async function loseSessions(): Promise<void> {
    const lost = [...sessions.values()];
    sessions.clear();
    await Promise.all(lost.map(async (transport) => transport.close()));
  }

  const front = await startFront(options, {
    path: SSE_PATH,
    otherPaths: [MESSAGES_PATH],
    checksToolScopes: true,
    serve,
  });
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
