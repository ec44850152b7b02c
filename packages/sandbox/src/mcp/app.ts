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
import express, { type Express } from 'express';
import { clearableSessions } from './clearable-sessions.ts';
import type { McpSource } from './source.ts';

export const MCP_PATH = '/mcp';

export interface McpAppOptions {
  /** The RFC 9728 resource identifier: the URL of the MCP endpoint. */
  resource: string;
  /** The issuer whose access tokens are accepted. */
  issuer: string;
  scopes: readonly string[];
  /** The scope that a 401 challenge names. */
  challengeScope: string;
  source: McpSource;
  verifier: AccessTokenVerifier;
  /** Whether bearer tokens are refused. */
  requireDpop: boolean;
  /** The largest body that is accepted, in bytes. */
  maxBodyBytes: number;
  onToolCall: () => void;
  /** Gets a record of each tool call. */
  audit: (record: ToolCallRecord) => void;
  /** Gets an error of the user's own server. */
  onFailure: (error: unknown) => void;
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
  const { source } = options;
  const bound = clearableSessions();

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
    boundSessions({ store: bound }).express,
    express.json({ limit: options.maxBodyBytes }),
    toolScopes({
      tools: source.toolScopes ?? {},
      resourceMetadataUrl: metadata.url,
      audit: options.audit,
      // a list of tools is complete, and the MCP server itself answers a call of an unknown tool
      ...((source.toolScopes === undefined || source.countsToolCalls) && { otherwise: [] }),
    }),
    (request, _response, next) => {
      if (!source.countsToolCalls)
        for (let calls = toolCallsIn(request.body); calls > 0; calls -= 1) options.onToolCall();
      next();
    },
    (request, response) => source.handle(request, response),
  );
  app.use(jsonRpcErrors({ onFailure: options.onFailure }));
  return {
    app,
    async dropSessions() {
      const known = bound.clear();
      return (await source.drop()) ?? known;
    },
  };
}

function toolCallsIn(body: unknown): number {
  const messages: unknown[] = Array.isArray(body) ? body : [body];
  return messages.filter(
    (each) => typeof each === 'object' && each !== null && 'method' in each && each.method === 'tools/call',
  ).length;
}
