import { GRANT_CLIENT_CREDENTIALS, GRANT_TOKEN_EXCHANGE } from '@credence/core';
import {
  createSigningKeys,
  idJagIdentityProviderConfiguration,
  issueIdJag,
  issuePrincipalIdTokens,
} from '@credence/server';
import type { ClientMetadata } from 'oidc-provider';
import type { RecordDecision } from '../audit/audit-trail.ts';
import type { Host } from '../network/host.ts';
import { ENDPOINT_PATHS, type RequestCounts } from '../network/request-counts.ts';
import { endpointsOf } from '../oidc/endpoints.ts';
import type { OidcProviderModule } from '../oidc/load.ts';
import { createMemoryStore } from '../oidc/memory-adapter.ts';
import { proofNonces } from '../oidc/proof-nonces.ts';
import { providerKeys } from '../oidc/provider-keys.ts';
import { serveProvider } from '../oidc/serve-provider.ts';
import type { ResolvedOptions } from '../options.ts';
import { type Decision, grantReason, type PolicyQuestion } from '../policy/decide.ts';
import type { PrincipalCredentials } from '../principals/principal.ts';
import type { IdentityProvider } from '../sandbox.ts';
import { auditAuthentication } from './audit-authentication.ts';

export interface IdentityProviderOptions {
  oidc: OidcProviderModule;
  host: Host;
  requests: RequestCounts;
  settings: ResolvedOptions;
  principals: readonly PrincipalCredentials[];
  /** The MCP server that an audience and a resource stand for, and the client id a principal has at its authorization server. */
  target(audience: string, resources: readonly string[]): Target | undefined;
  ask(question: PolicyQuestion): Decision;
  isEnabled(principal: string): boolean;
  record: RecordDecision;
}

export interface Target {
  server: string;
  resource: string;
  /** Undefined for somebody who has no client there. */
  clientIdOf(principal: string): string | undefined;
}

/** An oidc-provider that knows service principals only, gives them tokens of their own, and ID-JAGs where policy allows. */
export async function startIdentityProvider(options: IdentityProviderOptions): Promise<IdentityProvider> {
  const { oidc, host, settings, principals } = options;
  const principalOf = principalByClient(principals);
  const signingKeys = await createSigningKeys({ algorithms: ['ES256'] });
  const provider = new oidc.Provider(host.origin, {
    ...idJagIdentityProviderConfiguration({ dpop: proofNonces() }),
    adapter: createMemoryStore().adapter,
    jwks: await providerKeys(),
    routes: { ...ENDPOINT_PATHS },
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    clients: principals.flatMap((principal) => clientsOf(principal)),
    ttl: { ClientCredentials: settings.subjectTokenLifetimeSeconds },
    // Asked before a token is made: the one place where oidc-provider lets policy refuse client_credentials.
    extraTokenClaims(_ctx, token) {
      const name = principalOf(token.clientId);
      if (name === undefined || !options.isEnabled(name)) {
        throw new oidc.errors.UnauthorizedClient(
          `${name ?? 'this client'} is disabled. Ask the IdP administrator to enable it.`,
        );
      }
      return undefined;
    },
  });
  issuePrincipalIdTokens(provider, {
    signingKeys,
    lifetimeSeconds: settings.subjectTokenLifetimeSeconds,
    subject: (clientId) => principalOf(clientId) ?? clientId,
  });
  issueIdJag(provider, {
    signingKeys,
    lifetimeSeconds: settings.idJagLifetimeSeconds,
    subject: (clientId) => principalOf(clientId) ?? clientId,
    policy({ clientId, audience, resources, scopes }) {
      const principal = principalOf(clientId);
      const target = options.target(audience, resources);
      const decision = options.ask({ principal, server: target?.server, scopes });
      if (!decision.granted) return { ...decision, description: decision.reason };
      const clientIdThere = principal === undefined ? undefined : target?.clientIdOf(principal);
      if (target === undefined || clientIdThere === undefined) throw new Error('policy granted what nobody asked for');
      return {
        granted: true,
        clientId: clientIdThere,
        scopes: decision.scopes,
        resource: target.resource,
      };
    },
    audit({
      clientId,
      audience = '',
      resource = [],
      requestedScopes = [],
      grantedScopes = [],
      granted,
      error,
      reason,
    }) {
      const principal = principalOf(clientId);
      const server = options.target(audience, resource)?.server;
      const known = { principal, server, requestedScopes, grantedScopes };
      options.record({
        where: 'idp',
        leg: 'exchange',
        issuer: host.origin,
        ...known,
        granted,
        error,
        reason: granted ? grantReason(known) : (reason ?? 'The IdP gave no reason.'),
      });
    },
  });
  auditAuthentication(provider, { issuer: host.origin, principalOf, record: options.record });
  serveProvider(host, provider);
  return {
    ...endpointsOf(host.origin),
    requests: options.requests,
    async rotateSigningKey() {
      await signingKeys.rotate();
      return signingKeys.publicJwks().keys[0]?.kid ?? '';
    },
  };
}

/** Each principal is two clients: one that signs assertions, and one with a secret for software that cannot. */
function clientsOf({ name, publicJwk, secretClient }: PrincipalCredentials): ClientMetadata[] {
  const machine = {
    grant_types: [GRANT_CLIENT_CREDENTIALS, GRANT_TOKEN_EXCHANGE],
    response_types: [],
    redirect_uris: [],
    scope: 'openid',
  };
  return [
    {
      ...machine,
      client_id: name,
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'ES256',
      jwks: { keys: [publicJwk] },
    },
    {
      ...machine,
      client_id: secretClient.clientId,
      client_secret: secretClient.clientSecret,
      token_endpoint_auth_method: 'client_secret_post',
    },
  ] as ClientMetadata[];
}

function principalByClient(
  principals: readonly PrincipalCredentials[],
): (clientId: string | undefined) => string | undefined {
  const names = new Map(
    principals.flatMap(({ name, secretClient }) => [
      [name, name],
      [secretClient.clientId, name],
    ]),
  );
  return (clientId) => (clientId === undefined ? undefined : names.get(clientId));
}
