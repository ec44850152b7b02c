import { createAuditTrail } from './audit/audit-trail.ts';
import { startAuthorizationServer } from './authorization-server/authorization-server.ts';
import { byName, byNameAsync } from './by-name.ts';
import { startIdentityProvider } from './identity-provider/identity-provider.ts';
import { MCP_PATH } from './mcp/app.ts';
import { countMcpRequests } from './network/mcp-request-counts.ts';
import { startMcpServer } from './mcp/start-mcp-server.ts';
import { openHost } from './network/host.ts';
import { countRequests } from './network/request-counts.ts';
import { endpointsOf } from './oidc/endpoints.ts';
import { loadOidcProvider } from './oidc/load.ts';
import type { ResolvedOptions } from './options.ts';
import { policyOver } from './policy/policy.ts';
import { initialTable } from './policy/table.ts';
import { createCredentials, randomSecret, type SecretCredential } from './principals/principal.ts';
import { configuredPrincipal } from './configuration/configured-principal.ts';
import {
  AUTHORIZATION_SERVER_NAMES,
  type AuthorizationServerName,
  PRINCIPAL_NAMES,
  SERVER_NAMES,
} from './principals/seed.ts';
import type { Sandbox } from './sandbox.ts';
import { USERS } from './users/seed.ts';
import { defineServers } from './servers/definition.ts';

/**
 * Starts every part of the sandbox and connects the parts. The function opens all ports first, because each server needs
 * the URLs of the others. The function passes each part that must be closed to `closeLater` as soon as the part is open.
 */
export async function assemble(
  settings: ResolvedOptions,
  closeLater: (close: () => Promise<unknown>) => void,
): Promise<Omit<Sandbox, 'close'>> {
  const [oidc, definitions, credentials] = await Promise.all([
    loadOidcProvider(),
    defineServers(),
    byNameAsync(PRINCIPAL_NAMES, (name) => createCredentials(name)),
  ]);
  for (const definition of Object.values(definitions)) closeLater(() => definition.close());

  const { latencyMs } = settings;
  const listenAsIssuer = async () => {
    const { counts: requests, count } = countRequests();
    const host = await openHost({ latencyMs, onRequest: count });
    closeLater(() => host.close());
    return { host, requests, endpoints: endpointsOf(host.origin) };
  };
  const listenAsMcpServer = async () => {
    const { counts: requests, onRequest, onToolCall } = countMcpRequests(MCP_PATH);
    const host = await openHost({ latencyMs, onRequest });
    closeLater(() => host.close());
    return { host, requests, onToolCall, resource: `${host.origin}${MCP_PATH}` };
  };
  const [openedIdp, openedAuthorizationServers, openedServers] = await Promise.all([
    listenAsIssuer(),
    byNameAsync(AUTHORIZATION_SERVER_NAMES, listenAsIssuer),
    byNameAsync(SERVER_NAMES, listenAsMcpServer),
  ]);

  const { audit, record, recordCall } = createAuditTrail();
  const registered = byName(SERVER_NAMES, (name) => {
    const { scopes, authorizationServer } = definitions[name];
    const { issuer } = openedAuthorizationServers[authorizationServer].endpoints;
    return { scopes, authorizationServer, issuer, resource: openedServers[name].resource };
  });
  const users = settings.users ?? USERS;
  const table = initialTable(registered, credentials, users);

  const introspection = byName(SERVER_NAMES, (name): SecretCredential => ({
    clientId: `${name}-mcp-server`,
    clientSecret: randomSecret(),
  }));
  const serversOf = (authorizationServer: AuthorizationServerName) =>
    SERVER_NAMES.filter((name) => definitions[name].authorizationServer === authorizationServer);

  const { idp, userToken } = await startIdentityProvider({
    ...openedIdp,
    users: Object.keys(users),
    oidc,
    settings,
    principals: Object.values(credentials),
    table,
    record,
  });

  const authorizationServers = await byNameAsync(AUTHORIZATION_SERVER_NAMES, (name) =>
    startAuthorizationServer({
      ...openedAuthorizationServers[name],
      oidc,
      settings,
      idp,
      record,
      clients: new Map(Object.values(credentials).map((each) => [each.name, each.at[name]])),
      servers: new Map(
        serversOf(name).map((server) => [
          server,
          {
            resource: openedServers[server].resource,
            scopes: definitions[server].scopes,
            introspection: introspection[server],
          },
        ]),
      ),
    }),
  );

  const servers = byName(SERVER_NAMES, (name) => {
    const definition = definitions[name];
    return startMcpServer({
      ...openedServers[name],
      definition,
      settings,
      introspection: introspection[name],
      recordCall,
      principalOf: (clientId) =>
        Object.values(credentials).find(({ at }) => at[definition.authorizationServer].clientId === clientId)?.name,
      authorizationServer: {
        name: definition.authorizationServer,
        endpoints: openedAuthorizationServers[definition.authorizationServer].endpoints,
      },
    });
  });

  for (const server of Object.values(servers)) closeLater(() => server.dropSessions());

  const principals = byName(PRINCIPAL_NAMES, (name) => configuredPrincipal(idp.issuer, credentials[name], servers));
  return { idp, authorizationServers, servers, principals, policy: policyOver(table), audit, userToken };
}
