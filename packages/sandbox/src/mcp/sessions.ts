import { randomUUID } from 'node:crypto';
import type { SandboxAuthInfo } from '../world/server.ts';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { isInitializeRequest } from '@modelcontextprotocol/sdk/types.js';
import type { Response } from 'express';
import type { VerifiedRequest } from './source.ts';

/** An MCP server that can be connected to a transport of SDK v1. */
export interface LegacyServer {
  connect(transport: Transport): Promise<void>;
}

const SESSION_HEADER = 'mcp-session-id';

/** The MCP sessions of one server. `initialize` opens a session; DELETE, `drop` or the end of the server ends it. */
export interface Sessions {
  /** Answers POST, GET and DELETE on the MCP endpoint. `boundSessions` has checked the principal of the session. */
  handle(request: VerifiedRequest, response: Response): Promise<void>;
  /** Deletes all sessions and ends their streams, as a restart of the server would. Returns the number of sessions. */
  drop(): Promise<number>;
}

/** @param createServer creates the MCP server of one session, with its tools. */
export function createSessions(
  createServer: (authInfo: SandboxAuthInfo | undefined) => LegacyServer | Promise<LegacyServer>,
): Sessions {
  const sessions = new Map<string, StreamableHTTPServerTransport>();

  const open = async (authInfo: SandboxAuthInfo | undefined): Promise<StreamableHTTPServerTransport> => {
    const server = await createServer(authInfo);
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void sessions.set(id, transport),
      onsessionclosed: (id) => void sessions.delete(id),
    });
    await server.connect(transport);
    return transport;
  };

  return {
    async handle(request, response) {
      const id = request.header(SESSION_HEADER);
      if (id === undefined && request.method === 'POST' && opensSession(request.body)) {
        await (await open(request.auth)).handleRequest(request, response, request.body);
        return;
      }
      const transport = id === undefined ? undefined : sessions.get(id);
      if (transport === undefined) {
        refuse(response, id);
        return;
      }
      await transport.handleRequest(request, response, request.body);
    },
    async drop() {
      const dropped = [...sessions.values()];
      sessions.clear();
      await Promise.all(dropped.map((transport) => transport.close()));
      return dropped.length;
    },
  };
}

function opensSession(body: unknown): boolean {
  return (Array.isArray(body) ? body : [body]).some((message) => isInitializeRequest(message));
}

/**
 * Status by the MCP specification (Streamable HTTP): 400 without a session id; 404 for an unknown one.
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
