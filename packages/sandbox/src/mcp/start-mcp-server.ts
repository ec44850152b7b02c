import { accessTokenVerifier } from '@credence/resource-server';
import type { RecordCall } from '../audit/audit-trail.ts';
import { callRecord } from './call-record.ts';
import type { Host } from '../network/host.ts';
import type { Endpoints } from '../oidc/endpoints.ts';
import type { ResolvedOptions } from '../options.ts';
import type { SecretCredential } from '../principals/principal.ts';
import type { AuthorizationServerName } from '../principals/seed.ts';
import type { McpServerEntry } from '../sandbox.ts';
import type { ServerDefinition } from '../servers/definition.ts';
import { createMcpApp, MCP_PATH } from './app.ts';
import type { McpRequestCounts } from '../network/mcp-request-counts.ts';

export interface StartMcpServerOptions {
  definition: ServerDefinition;
  host: Host;
  requests: McpRequestCounts;
  onToolCall: () => void;
  settings: ResolvedOptions;
  authorizationServer: { name: AuthorizationServerName; endpoints: Endpoints };
  /** The MCP server's client at its authorization server, for introspection (RFC 7662). */
  introspection: SecretCredential;
  /** The name of the principal with this client id at the authorization server. */
  principalOf: (clientId: string | undefined) => string | undefined;
  recordCall: RecordCall;
}

export function startMcpServer(options: StartMcpServerOptions): McpServerEntry {
  const { definition, host, settings, authorizationServer } = options;
  const { issuer, introspectionEndpoint, jwksUri } = authorizationServer.endpoints;
  const resource = `${host.origin}${MCP_PATH}`;
  const { app, dropSessions } = createMcpApp({
    ...definition,
    resource,
    issuer,
    verifier: accessTokenVerifier({
      issuer,
      resource,
      ...(settings.accessTokenFormat === 'jwt'
        ? { jwt: { jwksUri } }
        : { introspection: { ...options.introspection, endpoint: introspectionEndpoint } }),
    }),
    requireDpop: settings.requireDpop,
    maxBodyBytes: settings.maxBodyBytes,
    onToolCall: options.onToolCall,
    audit: (call) => options.recordCall(callRecord(call, definition.name, options.principalOf(call.clientId))),
  });
  host.serve(app);
  return {
    url: resource,
    resource,
    issuer,
    authorizationServer: authorizationServer.name,
    scopes: definition.scopes,
    tools: Object.fromEntries(definition.tools.map(({ name, scope }) => [name, scope])),
    requests: options.requests,
    dropSessions,
  };
}
