import { createAuditTrail } from './audit/audit-trail.ts';
import { nameOfClient, startAuthorizationServer } from './authorization-server/authorization-server.ts';
import { configuredPrincipal } from './configuration/configured-principal.ts';
import {
  clientAt,
  createCredentials,
  type PrincipalCredentials,
  randomSecret,
  type SecretCredential,
} from './credentials/credentials.ts';
import { startIdentityProvider } from './identity-provider/identity-provider.ts';
import { MCP_PATH } from './mcp/app.ts';
import { openSource } from './mcp/open-source.ts';
import { startMcpServer } from './mcp/start-mcp-server.ts';
import { openHost } from './network/host.ts';
import { countMcpRequests } from './network/mcp-request-counts.ts';
import { countRequests } from './network/request-counts.ts';
import { endpointsOf } from './oidc/endpoints.ts';
import { loadOidcProvider } from './oidc/load.ts';
import type { ResolvedOptions } from './options.ts';
import { policyOver } from './policy/policy.ts';
import { initialTable, type RegisteredServer } from './policy/table.ts';
import type { AuthorizationServer, McpServerEntry, Principal, Sandbox } from './sandbox.ts';
import type { WorldServer } from './world/server.ts';
import type { World } from './world/world.ts';

/** The parts of a sandbox, with names that the compiler does not know. */
export type Parts = Omit<Sandbox<string, string, string>, 'close' | typeof Symbol.asyncDispose>;

/**
 * Starts every part of the sandbox and connects the parts. The function opens all ports first, because each server needs
 * the URLs of the others. The function passes each part that must be closed to `closeLater` as soon as the part is open.
 */
export async function assemble(
  settings: ResolvedOptions,
  world: World,
  closeLater: (close: () => Promise<unknown>) => void,
): Promise<Parts> {
  const { latencyMs } = settings;
  const names = new Set(world.principals.map(({ name }) => name));
  const [oidc, credentials] = await Promise.all([
    loadOidcProvider(),
    Promise.all(world.principals.map((principal) => createCredentials(principal, names))),
  ]);

  const issuerNames = new Set(world.servers.map(({ authorizationServer }) => authorizationServer));
  const clientsOf = new Map([...issuerNames].map((name) => [name, clientsAt(name, credentials)]));
  const listenAsIssuer = async () => {
    const { counts: requests, count } = countRequests();
    const host = await openHost({ latencyMs, onRequest: count });
    closeLater(() => host.close());
    return { host, requests, endpoints: endpointsOf(host.origin) };
  };
  const listenAsMcpServer = async (server: WorldServer) => {
    const { counts: requests, onRequest, onToolCall } = countMcpRequests(MCP_PATH);
    const source = await openSource(server, onToolCall, (clientId) =>
      nameOfClient(clientsOf.get(server.authorizationServer) ?? new Map(), clientId),
    );
    if (source === undefined) {
      const resource = server.source.kind === 'direct' ? server.source.url : '';
      return { requests, resource, served: undefined };
    }
    closeLater(() => source.close());
    const host = await openHost({ latencyMs, onRequest });
    closeLater(() => host.close());
    return { requests, resource: `${host.origin}${MCP_PATH}`, served: { host, source, onToolCall } };
  };
  const [openedIdp, issuers, servers] = await Promise.all([
    listenAsIssuer(),
    Promise.all([...clientsOf].map(async ([name, clients]) => ({ name, clients, ...(await listenAsIssuer()) }))),
    Promise.all(
      world.servers.map(async (server) => ({
        name: server.name,
        server,
        introspection: { clientId: `${server.name}-mcp-server`, clientSecret: randomSecret() },
        ...(await listenAsMcpServer(server)),
      })),
    ),
  ]);
  const issuerOf = ({ authorizationServer }: WorldServer) => found(issuers, authorizationServer);

  const { audit, record, recordCall } = createAuditTrail();
  const registered = servers.map(({ name, server, resource }): [string, RegisteredServer] => {
    const { endpoints, clients } = issuerOf(server);
    return [name, { issuer: endpoints.issuer, resource, scopes: server.scopes, clients }];
  });
  const table = initialTable(world, new Map(registered), credentials);

  const users = Object.keys(world.users);
  const asClients = { ...openedIdp, oidc, settings, principals: credentials, users, table, record };
  const { idp, userToken } = await startIdentityProvider(asClients);
  const authorizationServers = await Promise.all(
    issuers.map(async (issuer): Promise<[string, AuthorizationServer]> => {
      const own = servers.filter(({ server }) => server.authorizationServer === issuer.name);
      const resources = own.map(({ name, server: { scopes }, resource, introspection }) => ({
        name,
        resource,
        scopes,
        introspection,
      }));
      return [
        issuer.name,
        await startAuthorizationServer({ ...issuer, oidc, settings, idp, record, servers: resources }),
      ];
    }),
  );

  const entries = servers.map(({ name, server, ...opened }): [string, McpServerEntry<string>] => [
    name,
    startMcpServer({
      server,
      settings,
      endpoints: issuerOf(server).endpoints,
      recordCall,
      principalOf: (clientId) => nameOfClient(clientsOf.get(server.authorizationServer) ?? new Map(), clientId),
      ...opened,
    }),
  ]);
  for (const [, entry] of entries) closeLater(() => entry.dropSessions());

  const atIssuer = (principal: string) => (authorizationServer: string) => {
    const client = found(issuers, authorizationServer).clients.get(principal);
    if (client === undefined) throw new Error(`${principal} has no client at ${authorizationServer}`);
    return client;
  };
  const principals = credentials.map((each): [string, Principal<string, string>] => [
    each.name,
    configuredPrincipal(idp.issuer, each, new Map(entries), atIssuer(each.name), world),
  ]);
  return {
    idp,
    authorizationServers: Object.fromEntries(authorizationServers),
    servers: Object.fromEntries(entries),
    principals: Object.fromEntries(principals),
    policy: policyOver(table),
    audit,
    userToken,
  };
}

/** Every principal has a client at every authorization server, even without a grant there. */
function clientsAt(
  authorizationServer: string,
  principals: readonly PrincipalCredentials[],
): ReadonlyMap<string, SecretCredential> {
  return new Map(principals.map(({ name }) => [name, clientAt(authorizationServer)]));
}

function found<T extends { readonly name: string }>(all: readonly T[], name: string): T {
  const one = all.find((each) => each.name === name);
  if (one === undefined) throw new Error(`there is no ${name}`);
  return one;
}
