import {
  type AccessTokenVerifier,
  protectedResourceMetadata,
  expressAccessToken,
  toolScopes,
} from '@credence/resource-server';
import { dpopNonces } from '@credence/protocol';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { localhostHostValidation } from '@modelcontextprotocol/sdk/server/middleware/hostHeaderValidation.js';
import express, { type ErrorRequestHandler, type Express } from 'express';
import type { ScopedTool } from '../servers/scoped-tool.ts';
import { createSessions } from './sessions.ts';

export const MCP_PATH = '/mcp';

export interface McpAppOptions {
  name: string;
  title: string;
  /** Instructions for the model, in the result of `initialize`. */
  instructions: string;
  /** The RFC 9728 resource identifier: the URL of the MCP endpoint. */
  resource: string;
  /** The issuer whose access tokens are accepted. */
  issuer: string;
  scopes: readonly string[];
  /** The scope that a 401 challenge names. */
  challengeScope: string;
  tools: readonly ScopedTool[];
  verifier: AccessTokenVerifier;
  /** Whether bearer tokens are refused. */
  requireDpop: boolean;
  onToolCall: () => void;
}

/**
 * Creates an MCP server over Streamable HTTP with sessions. The server refuses requests without an access token that was
 * issued for it.
 */
export function createMcpApp(options: McpAppOptions): { app: Express; dropSessions: () => Promise<number> } {
  const metadata = protectedResourceMetadata({
    resource: options.resource,
    authorizationServers: [options.issuer],
    scopesSupported: [...options.scopes],
    dpopBoundAccessTokensRequired: options.requireDpop,
  });
  const sessions = createSessions(() => {
    const server = new McpServer(
      { name: options.name, title: options.title, version: '0.1.0' },
      { instructions: options.instructions },
    );
    for (const tool of options.tools) tool.register(server, options.onToolCall);
    return server;
  });

  const app = express();
  app.disable('x-powered-by');
  // protects against DNS rebinding: a web page whose host name resolves to 127.0.0.1 must not reach this server
  app.use(localhostHostValidation());
  app.get(metadata.path, (_request, response) => {
    response.set('Access-Control-Allow-Origin', '*').json(metadata.document);
  });
  app.all(
    MCP_PATH,
    expressAccessToken({
      verifier: options.verifier,
      scope: options.challengeScope,
      resourceMetadataUrl: metadata.url,
      dpop: { nonces: dpopNonces() },
      requireDpop: options.requireDpop,
    }),
    express.json({ limit: '1mb' }),
    toolScopes({
      tools: Object.fromEntries(options.tools.map(({ name, scope }) => [name, [scope]])),
      resourceMetadataUrl: metadata.url,
      // every tool is listed in `tools`; the MCP server itself answers a call of an unknown tool
      otherwise: [],
    }),
    (request, response) => sessions.handle(request, response),
  );
  app.use(jsonErrors);
  return { app, dropSessions: () => sessions.drop() };
}

/** Replaces express's error handler, which prints a stack trace for each malformed body and sends it to the caller. */
const jsonErrors: ErrorRequestHandler = (error: unknown, _request, response, _next) => {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const status = error instanceof Object && 'status' in error && typeof error.status === 'number' ? error.status : 500;
  const [code, message] = status < 500 ? [-32700, 'The body could not be read as JSON'] : [-32603, 'Internal error'];
  response.status(status).json({ jsonrpc: '2.0', error: { code, message }, id: null });
};
