import { GRANT_CLIENT_CREDENTIALS, GRANT_TOKEN_EXCHANGE } from '@credence/protocol';
import {
  createSigningKeys,
  idJagIdentityProviderConfiguration,
  addIdJagExchange,
  issuePrincipalIdTokens,
  type PolicyTable,
} from '@credence/identity-provider';
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
import { type UserTokenIssuer, userTokens } from '../users/user-tokens.ts';
import { isDisabled } from '../policy/explain-denial.ts';
import type { PrincipalCredentials } from '../credentials/credentials.ts';
import type { IdentityProvider } from '../sandbox.ts';
import { auditAuthentication } from './audit-authentication.ts';
import { exchangeRecord } from './exchange-record.ts';

export interface IdentityProviderOptions {
  oidc: OidcProviderModule;
  host: Host;
  requests: RequestCounts;
  settings: ResolvedOptions;
  principals: readonly PrincipalCredentials[];
  table: PolicyTable;
  /** The names of the users. */
  users: readonly string[];
  record: RecordDecision;
}

/**
 * Starts an oidc-provider whose only clients are service principals. The provider issues subject tokens, and ID-JAGs if the
 * policy allows. It also issues ID tokens of users to these clients.
 */
export async function startIdentityProvider(
  options: IdentityProviderOptions,
): Promise<{ idp: IdentityProvider; userToken: UserTokenIssuer }> {
  const { oidc, host, settings, principals, table, users } = options;
  const signingKeys = await createSigningKeys({ algorithms: ['ES256'] });
  const provider = new oidc.Provider(host.origin, {
    ...idJagIdentityProviderConfiguration({ dpop: proofNonces() }),
    adapter: createMemoryStore().adapter,
    jwks: await providerKeys(),
    routes: { ...ENDPOINT_PATHS },
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    clients: principals.flatMap((principal) => clientsOf(principal)),
    ttl: { ClientCredentials: settings.subjectTokenLifetimeSeconds },
    findAccount: (_ctx, accountId) =>
      users.includes(accountId) ? { accountId, claims: () => ({ sub: accountId }) } : undefined,
    // oidc-provider calls this before it issues a token; it is the only hook that can refuse client_credentials
    extraTokenClaims(_ctx, token) {
      const { clientId = '' } = token;
      if (!table.isEnabled(clientId)) throw new oidc.errors.UnauthorizedClient(isDisabled(table.subject(clientId)));
      return undefined;
    },
  });
  issuePrincipalIdTokens(provider, {
    signingKeys,
    lifetimeSeconds: settings.subjectTokenLifetimeSeconds,
    subject: table.subject,
  });
  addIdJagExchange(provider, {
    signingKeys,
    lifetimeSeconds: settings.idJagLifetimeSeconds,
    subject: table.subject,
    actorFromClient: true,
    policy: table.policy,
    audit: (entry) => options.record(exchangeRecord(host.origin, table, entry)),
  });
  auditAuthentication(provider, { issuer: host.origin, principalOf: table.subject, record: options.record });
  serveProvider(host, provider);
  return {
    idp: {
      ...endpointsOf(host.origin),
      requests: options.requests,
      async rotateSigningKey() {
        await signingKeys.rotate();
        return signingKeys.publicJwks().keys[0]?.kid ?? '';
      },
    },
    userToken: userTokens(provider, users, new Map(principals.map(({ name, clientId }) => [name, clientId]))),
  };
}

/** Each principal has two clients: one that signs client assertions, and one with a secret for software that cannot sign. */
function clientsOf({ clientId, publicJwk, secretClient }: PrincipalCredentials): ClientMetadata[] {
  const common = {
    grant_types: [GRANT_CLIENT_CREDENTIALS, GRANT_TOKEN_EXCHANGE],
    response_types: [],
    redirect_uris: [],
    scope: 'openid',
  };
  return [
    {
      ...common,
      client_id: clientId,
      token_endpoint_auth_method: 'private_key_jwt',
      ...(publicJwk.alg !== undefined && { token_endpoint_auth_signing_alg: publicJwk.alg }),
      jwks: { keys: [publicJwk] },
    },
    {
      ...common,
      client_id: secretClient.clientId,
      client_secret: secretClient.clientSecret,
      token_endpoint_auth_method: 'client_secret_post',
    },
  ] as ClientMetadata[];
}
