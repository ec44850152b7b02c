import { randomUUID } from 'node:crypto';
import type { AuthInfo } from '@modelcontextprotocol/sdk/server/auth/types.js';
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { isInitializeRequest } from '@modelcontextprotocol/sdk/types.js';
import type { Request, Response } from 'express';

type AuthenticatedRequest = Request & { auth?: AuthInfo };

const SESSION_HEADER = 'mcp-session-id';

interface Session {
  transport: StreamableHTTPServerTransport;
  /** The client id of the client that opened the session. Requests of other clients in this session are refused. */
  owner: string;
}

/** The MCP sessions of one server. `initialize` opens a session; DELETE, `drop` or the end of the server ends it. */
export interface Sessions {
  /** Answers POST, GET and DELETE on the MCP endpoint. The request must be authenticated. */
  handle(request: AuthenticatedRequest, response: Response): Promise<void>;
  /** Deletes all sessions and ends their streams, as a restart of the server would. Returns the number of sessions. */
  drop(): Promise<number>;
}

/** @param createServer creates the MCP server of one session, with its tools. */
export function createSessions(createServer: () => McpServer): Sessions {
  const sessions = new Map<string, Session>();

  const open = async (owner: string): Promise<StreamableHTTPServerTransport> => {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void sessions.set(id, { transport, owner }),
      onsessionclosed: (id) => void sessions.delete(id),
    });
    await createServer().connect(transport);
    return transport;
  };

  return {
    async handle(request, response) {
      const owner = request.auth?.clientId;
      if (owner === undefined) throw new Error('the session handler got a request without authentication');
      const id = request.header(SESSION_HEADER);
      if (id === undefined && request.method === 'POST' && opensSession(request.body)) {
        await (await open(owner)).handleRequest(request, response, request.body);
        return;
      }
      const session = id === undefined ? undefined : sessions.get(id);
      if (session === undefined || session.owner !== owner) {
        refuse(response, id);
        return;
      }
      await session.transport.handleRequest(request, response, request.body);
    },
    async drop() {
      const dropped = [...sessions.values()];
      sessions.clear();
      await Promise.all(dropped.map(({ transport }) => transport.close()));
      return dropped.length;
    },
  };
}

function opensSession(body: unknown): boolean {
  return (Array.isArray(body) ? body : [body]).some((message) => isInitializeRequest(message));
}

/**
 * Status by the MCP specification (Streamable HTTP): 400 without a session id; 404 for an unknown one or one of another client.
 */
function refuse(response: Response, id: string | undefined): void {
  if (id === undefined) {
    response.status(400).json(failure(-32000, 'Bad Request: Mcp-Session-Id is missing'));
    return;
  }
  response.status(404).json(failure(-32001, 'Session not found'));
}

function failure(code: number, message: string) {
  return { jsonrpc: '2.0', error: { code, message }, id: null };
}
