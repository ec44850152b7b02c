import { accessTokenVerifier } from '@credence/resource-server';
import type { RecordCall } from '../audit/audit-trail.ts';
import { callRecord } from './call-record.ts';
import type { Host } from '../network/host.ts';
import type { McpRequestCounts } from '../network/mcp-request-counts.ts';
import type { Endpoints } from '../oidc/endpoints.ts';
import type { ResolvedOptions } from '../options.ts';
import type { SecretCredential } from '../credentials/credentials.ts';
import type { McpServerEntry } from '../sandbox.ts';
import type { WorldServer } from '../world/server.ts';
import { createMcpApp } from './app.ts';
import { warnOfFailure } from './failure-warning.ts';
import type { McpSource } from './source.ts';

export interface StartMcpServerOptions {
  server: WorldServer;
  /** The RFC 9728 resource identifier: the URL of the MCP endpoint. */
  resource: string;
  /** Undefined if the requests of the server do not reach the sandbox. */
  served: { host: Host; source: McpSource; onToolCall: () => void } | undefined;
  requests: McpRequestCounts;
  settings: ResolvedOptions;
  endpoints: Endpoints;
  /** The MCP server's client at its authorization server, for introspection (RFC 7662). */
  introspection: SecretCredential;
  /** The name of the principal with this client id at the authorization server. */
  principalOf: (clientId: string | undefined) => string | undefined;
  recordCall: RecordCall;
}

export function startMcpServer(options: StartMcpServerOptions): McpServerEntry<string> {
  const { server, resource, served, settings } = options;
  const { issuer, introspectionEndpoint, jwksUri } = options.endpoints;
  const introspection = { ...options.introspection, endpoint: introspectionEndpoint };
  const { name, authorizationServer, scopes, challengeScope } = server;
  const toolScopes = served?.source.toolScopes ?? server.toolScopes ?? {};
  const entry = {
    url: resource,
    resource,
    issuer,
    authorizationServer,
    scopes,
    tools: Object.fromEntries(Object.entries(toolScopes).map(([tool, needed]) => [tool, needed.join(' ')])),
    introspection,
    requests: options.requests,
  };
  if (served === undefined) return { ...entry, dropSessions: () => Promise.resolve(0) };
  const { app, dropSessions } = createMcpApp({
    scopes,
    challengeScope,
    source: served.source,
    resource,
    issuer,
    verifier: accessTokenVerifier({
      issuer,
      resource,
      ...(settings.accessTokenFormat === 'jwt' ? { jwt: { jwksUri } } : { introspection }),
    }),
    requireDpop: settings.requireDpop,
    maxBodyBytes: settings.maxBodyBytes,
    onToolCall: served.onToolCall,
    audit: (call) => options.recordCall(callRecord(call, name, options.principalOf(call.clientId))),
    onFailure: (error) => warnOfFailure(name, error),
  });
  served.host.serve(app);
  return { ...entry, dropSessions };
}
