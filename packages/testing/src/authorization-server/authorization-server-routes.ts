import { idJagTokenEndpoint, memoryReplayStore, withIdJagMetadata } from '@credence/authorization-server';
import type { Clock } from '@credence/core';
import { GRANT_CLIENT_CREDENTIALS, GRANT_JWT_BEARER, GRANT_JWT_DPOP } from '@credence/protocol';
import { type ClientAuthenticator, clientAuthenticator } from '../http/client-authentication.ts';
import { issuerMetadataRoutes } from '../http/metadata-routes.ts';
import { oauthError } from '../http/responses.ts';
import type { Route, RouteEntry } from '../http/route.ts';
import { claimedClientId, formOf } from '../http/token-request.ts';
import { shownParameters } from '../requests/form.ts';
import type { ServerSettings, Settings } from '../settings/settings.ts';
import type { AccessTokens } from '../tokens/access-tokens.ts';
import type { SigningKey } from '../tokens/signing-key.ts';
import { isWorkloadToken } from '../tokens/workload-token.ts';
import { revocationRoute } from './revocation.ts';
import { clientCredentials, workloadIdentity } from './without-idp.ts';

/** What an authorization server needs besides the request. */
export interface AuthorizationServerContext {
  readonly settings: Settings;
  readonly clock: Clock;
  /** The key of the IdP. */
  readonly key: SigningKey;
  readonly tokens: AccessTokens;
}

/** The URLs of all authorization servers. Servers with the same issuer share one. */
export function authorizationServerRoutes(context: AuthorizationServerContext): readonly RouteEntry[] {
  const byIssuer = byIssuerOf(context.settings);
  return [...byIssuer].flatMap(([issuer, servers]) => routesOf(issuer, servers, context));
}

function byIssuerOf({ servers }: Settings): ReadonlyMap<string, ServerSettings[]> {
  const byIssuer = new Map<string, ServerSettings[]>();
  for (const server of servers.values()) byIssuer.set(server.issuer, [...(byIssuer.get(server.issuer) ?? []), server]);
  return byIssuer;
}

function routesOf(
  issuer: string,
  servers: readonly ServerSettings[],
  context: AuthorizationServerContext,
): readonly RouteEntry[] {
  const [first] = servers;
  if (first === undefined) return [];
  const { tokenEndpoint } = first;
  const base = issuer.replace(/\/$/u, '');
  const revocationEndpoint = `${base}/revoke`;
  const clients = clientAuthenticator(
    servers.flatMap((server) => [...server.clients.values()]),
    { issuer, tokenEndpoint },
    context.clock,
  );
  const metadata = withIdJagMetadata(
    {
      issuer,
      token_endpoint: tokenEndpoint,
      revocation_endpoint: revocationEndpoint,
      grant_types_supported: [GRANT_CLIENT_CREDENTIALS],
      token_endpoint_auth_methods_supported: ['private_key_jwt', 'client_secret_basic', 'client_secret_post', 'none'],
      scopes_supported: [...new Set(servers.flatMap(({ scopes }) => scopes))],
    },
    { dpop: {} },
  );
  // With one server, its requests for metadata can be told from those of others.
  const about = servers.length === 1 ? { server: first.name } : {};
  return [
    ...issuerMetadataRoutes(issuer, metadata, about),
    [tokenEndpoint, tokenRoute(issuer, servers, clients, context)],
    [revocationEndpoint, revocationRoute(clients, context.tokens)],
  ];
}

function tokenRoute(
  issuer: string,
  servers: readonly ServerSettings[],
  clients: ClientAuthenticator,
  context: AuthorizationServerContext,
): Route {
  const redeem = redeemer(issuer, servers, clients, context);
  return {
    facts(incoming) {
      const form = formOf(incoming);
      const grant = form.get('grant_type') ?? '';
      const isRedeem = [GRANT_JWT_BEARER, GRANT_JWT_DPOP, GRANT_CLIENT_CREDENTIALS].includes(grant);
      const named = servers.find(({ resource }) => resource === form.get('resource'));
      return {
        leg: isRedeem ? 'redeem' : 'other',
        server: (named ?? (servers.length === 1 ? servers[0] : undefined))?.name,
        principal: clients.principalOf(claimedClientId(incoming)),
        parameters: shownParameters(form),
      };
    },
    async handle(incoming) {
      const form = formOf(incoming);
      const withoutIdp = { issuer, servers, clients, ...context };
      if (form.get('grant_type') === GRANT_CLIENT_CREDENTIALS) return clientCredentials(incoming, withoutIdp);
      if (isWorkloadToken(form.get('assertion') ?? '')) return workloadIdentity(incoming, withoutIdp);
      return redeem(incoming.toRequest());
    },
    refuse: (error, details) => oauthError(error, details),
  };
}

/** The grant for ID-JAGs of @credence/authorization-server, which verifies signature, claims, client, resource and key binding. */
function redeemer(
  issuer: string,
  servers: readonly ServerSettings[],
  clients: ClientAuthenticator,
  { settings, clock, key, tokens }: AuthorizationServerContext,
): (request: Request) => Promise<Response> {
  const now = () => new Date(clock.wallMs());
  const byResource = new Map(servers.map((server) => [server.resource, server]));
  return idJagTokenEndpoint({
    issuer,
    issuers: { [settings.issuer]: { jwks: { keys: [key.publicJwk] } } },
    resources: Object.fromEntries(
      servers.map(({ resource, scopes, requireDpop }) => [
        resource,
        { scopes, requireDpop, accessTokenLifetimeSeconds: settings.accessTokenSeconds },
      ]),
    ),
    replay: servers.some(({ singleUse }) => singleUse) ? { singleUse: memoryReplayStore({ now }) } : 'bound-to-client',
    dpop: { tokenEndpoint: servers[0]?.tokenEndpoint ?? issuer },
    allowPublicClients: true,
    now,
    async authenticateClient(presented) {
      const client = await clients.check(presented);
      return typeof client === 'string' ? undefined : client.clientId;
    },
    issueAccessToken({ idJag, clientId, resource, scopes, dpopThumbprint }) {
      const server = byResource.get(resource);
      const principal = clients.principalOf(clientId);
      if (server === undefined || principal === undefined)
        throw new Error('the redemption names no server or principal');
      const { subject, actor } = idJag;
      return tokens.issue(
        {
          server: server.name,
          principal,
          clientId,
          subject,
          scopes,
          thumbprint: dpopThumbprint,
          ...(actor && { actor }),
        },
        settings.accessTokenSeconds,
      );
    },
  });
}
