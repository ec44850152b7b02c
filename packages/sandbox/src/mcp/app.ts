import {
  type AccessTokenVerifier,
  boundSessions,
  browserAccess,
  expressAccessToken,
  jsonRpcErrors,
  protectedResourceMetadata,
  type ToolCallRecord,
  toolScopes,
} from '@credence/resource-server';
import { dpopNonces } from '@credence/protocol';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import express, { type Express } from 'express';
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
  /** The largest body that is accepted, in bytes. */
  maxBodyBytes: number;
  onToolCall: () => void;
  /** Gets a record of each tool call. */
  audit: (record: ToolCallRecord) => void;
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
  // every web page may read the metadata
  app.use(metadata.express);
  // protects against DNS rebinding: a web page whose host name resolves to 127.0.0.1 must not reach this server
  app.use(browserAccess({ origins: 'loopback', hosts: 'loopback' }).express);
  app.all(
    MCP_PATH,
    expressAccessToken({
      verifier: options.verifier,
      scope: options.challengeScope,
      resourceMetadataUrl: metadata.url,
      dpop: { nonces: dpopNonces() },
      requireDpop: options.requireDpop,
    }),
    boundSessions().express,
    express.json({ limit: options.maxBodyBytes }),
    toolScopes({
      tools: Object.fromEntries(options.tools.map(({ name, scope }) => [name, [scope]])),
      resourceMetadataUrl: metadata.url,
      // every tool is listed in `tools`; the MCP server itself answers a call of an unknown tool
      otherwise: [],
      audit: options.audit,
    }),
    (request, response) => sessions.handle(request, response),
  );
  app.use(jsonRpcErrors());
  return { app, dropSessions: () => sessions.drop() };
}
