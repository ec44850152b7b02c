import { GRANT_JWT_BEARER, GRANT_JWT_DPOP, memoryReplayStore } from '@credence/protocol';
import { idJagAuthorizationServerConfiguration, addIdJagGrant } from '@credence/authorization-server/oidc-provider';
import type { RecordDecision } from '../audit/audit-trail.ts';
import type { Host } from '../network/host.ts';
import { ENDPOINT_PATHS, type RequestCounts } from '../network/request-counts.ts';
import { endpointsOf } from '../oidc/endpoints.ts';
import type { OidcProviderModule } from '../oidc/load.ts';
import { createMemoryStore, type MemoryStore } from '../oidc/memory-adapter.ts';
import { proofNonces } from '../oidc/proof-nonces.ts';
import { providerKeys } from '../oidc/provider-keys.ts';
import { serveProvider } from '../oidc/serve-provider.ts';
import { invalidConfiguration } from '../invalid-configuration.ts';
import type { ResolvedOptions } from '../options.ts';
import type { SecretCredential } from '../credentials/credentials.ts';
import type { AuthorizationServer } from '../sandbox.ts';

interface ServerOfIssuer {
  name: string;
  resource: string;
  scopes: readonly string[];
  introspection: SecretCredential;
}

export interface AuthorizationServerOptions {
  oidc: OidcProviderModule;
  host: Host;
  requests: RequestCounts;
  settings: ResolvedOptions;
  idp: { issuer: string; jwksUri: string };
  /** The OAuth client with which each principal redeems ID-JAGs, by principal. */
  clients: ReadonlyMap<string, SecretCredential>;
  /** The MCP servers that the authorization server issues tokens for, each with its client for introspection. */
  servers: readonly ServerOfIssuer[];
  record: RecordDecision;
}

/** Starts an oidc-provider whose only grant is the redemption of the IdP's ID-JAGs for access tokens to its own MCP servers. */
export async function startAuthorizationServer(options: AuthorizationServerOptions): Promise<AuthorizationServer> {
  const { oidc, host, settings, servers } = options;
  const store = createMemoryStore();
  const provider = new oidc.Provider(host.origin, {
    ...idJagAuthorizationServerConfiguration({ dpop: proofNonces() }),
    adapter: store.adapter,
    jwks: await providerKeys(),
    routes: { ...ENDPOINT_PATHS },
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    clients: [
      ...[...options.clients.values()].map((credential) => oauthClient(credential, [GRANT_JWT_BEARER, GRANT_JWT_DPOP])),
      ...servers.map(({ introspection }) => oauthClient(introspection, [])),
    ],
  });
  addIdJagGrant(provider, {
    issuers: { [options.idp.issuer]: { jwksUri: options.idp.jwksUri } },
    resources: Object.fromEntries(
      servers.map(({ resource, scopes }) => [
        resource,
        {
          scopes,
          accessTokenFormat: settings.accessTokenFormat,
          accessTokenLifetimeSeconds: settings.accessTokenLifetimeSeconds,
          accessTokenAlgorithm: 'ES256' as const,
          requireDpop: settings.requireDpop,
        },
      ]),
    ),
    // with only one trusted IdP, the subject alone identifies an account
    account: (idJag) => idJag.subject,
    replay: settings.singleUseIdJags ? { singleUse: memoryReplayStore() } : 'bound-to-client',
    audit(entry) {
      const { subject, actor } = entry;
      const client = nameOfClient(options.clients, entry.clientId);
      options.record({
        where: 'as',
        leg: 'redeem',
        issuer: host.origin,
        principal: client ?? subject,
        ...(client !== undefined && subject !== undefined && subject !== client && { user: subject }),
        ...(actor !== undefined && { actor }),
        server: servers.find(({ resource }) => resource === entry.resource)?.name,
        requestedScopes: entry.requestedScopes ?? [],
        grantedScopes: entry.grantedScopes ?? [],
        granted: entry.granted,
        error: entry.error,
        reason: entry.reason ?? 'The ID-JAG is valid and was issued to this client.',
      });
    },
  });
  serveProvider(host, provider);
  return {
    ...endpointsOf(host.origin),
    requests: options.requests,
    revokeTokens: (filter = {}) => revokeTokens(store, options, filter),
  };
}

function revokeTokens(
  store: MemoryStore,
  { clients, servers }: AuthorizationServerOptions,
  filter: { principal?: string; server?: string },
): number {
  checkName('principal', filter.principal, [...clients.keys()]);
  checkName(
    'server',
    filter.server,
    servers.map(({ name }) => name),
  );
  const clientId = filter.principal === undefined ? undefined : clients.get(filter.principal)?.clientId;
  const resource =
    filter.server === undefined ? undefined : servers.find(({ name }) => name === filter.server)?.resource;
  const tokens = store
    .entries('AccessToken')
    .filter(({ payload }) => filter.principal === undefined || payload.clientId === clientId)
    .filter(({ payload }) => filter.server === undefined || payload.aud === resource);
  for (const { id } of tokens) store.delete('AccessToken', id);
  return tokens.length;
}

function checkName(kind: 'principal' | 'server', name: string | undefined, known: readonly string[]): void {
  if (name === undefined || known.includes(name)) return;
  throw invalidConfiguration(
    `revokeTokens names the ${kind} ${JSON.stringify(name)}, which this authorization server does not have.`,
    `Use one of: ${known.join(', ')}.`,
  );
}

function oauthClient({ clientId, clientSecret }: SecretCredential, grantTypes: string[]) {
  return {
    client_id: clientId,
    client_secret: clientSecret,
    // oidc-provider accepts the secret in the Authorization header and in the body
    token_endpoint_auth_method: 'client_secret_basic' as const,
    grant_types: grantTypes,
    response_types: [],
    redirect_uris: [],
  };
}

/** The principal with this client. */
export function nameOfClient(
  clients: ReadonlyMap<string, SecretCredential>,
  clientId: string | undefined,
): string | undefined {
  return [...clients].find(([, client]) => client.clientId === clientId)?.[0];
}
