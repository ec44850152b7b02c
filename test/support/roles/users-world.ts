import { GRANT_CLIENT_CREDENTIALS, GRANT_TOKEN_EXCHANGE, TOKEN_TYPE_ID_JAG } from '@credence/core';
import {
  createSigningKeys,
  idJagIdentityProviderConfiguration,
  type IdJagPolicy,
  addIdJagExchange,
  type IssueAuditRecord,
  type IdJagExchangeOptions,
  issuePrincipalIdTokens,
  type SigningKeys,
} from '@credence/identity-provider';
import { exportJWK, generateKeyPair } from 'jose';
import * as oauth from 'oauth4webapi';
import { Provider } from '../oidc-provider.ts';
import type { Answer } from './bot.ts';
import { loopback } from './loopback.ts';

export const CLIENT_SECRET = 'a-secret-at-the-identity-provider-of-32-or-more';
export const AUDIENCE = 'https://as.example';
export const RESOURCE = 'https://mcp.example/mcp';

export interface RefreshTokenProperties {
  /** The scope that the user consented to. The refresh token has all scopes unless `scope` is given. */
  consentedScope?: string;
  /** The scopes that the user consented to at other resources, by resource. */
  consentedResources?: Record<string, string>;
  accountId?: string;
  grantId?: string;
  scope?: string;
  resource?: string[];
  authTime?: number;
  acr?: string;
  amr?: string[];
  exp?: number;
  jkt?: string;
  'x5t#S256'?: string;
  attestationJkt?: string;
}

export interface UsersWorld {
  readonly issuer: string;
  readonly provider: Provider;
  readonly signingKeys: SigningKeys;
  readonly issued: IssueAuditRecord[];
  /** The accounts that exist, by account id. */
  readonly accounts: Map<string, { email: string }>;
  policy: IdJagPolicy;
  exchange(clientId: string, parameters: Record<string, string | string[]>, dpop?: oauth.DPoPHandle): Promise<Answer>;
  clientCredentials(clientId: string, dpop?: oauth.DPoPHandle): Promise<Record<string, string>>;
  /** An ID token as the provider issues it when a user signs in. */
  idToken(clientId: string, accountId: string, claims?: Record<string, unknown>): Promise<string>;
  refreshToken(clientId: string, properties?: RefreshTokenProperties): Promise<string>;
  /** An access token of a user for the provider's userinfo endpoint. */
  userAccessToken(clientId: string, accountId: string): Promise<string>;
  close(): Promise<void>;
}

/** Starts an identity provider with users and refresh tokens. Helpers write to its storage what a sign-in would write. */
export async function startUsersWorld(options: Partial<IdJagExchangeOptions> = {}): Promise<UsersWorld> {
  const server = await loopback();
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const signingKeys = options.signingKeys ?? (await createSigningKeys());
  const accounts = new Map([['alice', { email: 'alice@acme.example' }]]);
  const issued: IssueAuditRecord[] = [];
  const client = (id: string, grantTypes: string[]) => ({
    client_id: id,
    client_secret: CLIENT_SECRET,
    grant_types: [GRANT_CLIENT_CREDENTIALS, GRANT_TOKEN_EXCHANGE, ...grantTypes],
    redirect_uris: [],
    response_types: [],
  });
  const configuration = idJagIdentityProviderConfiguration();
  const provider = new Provider(server.origin, {
    ...configuration,
    features: { ...configuration.features, userinfo: { enabled: true }, jwtUserinfo: { enabled: true } },
    subjectTypes: ['public', 'pairwise'],
    pairwiseIdentifier: (_ctx, accountId) => `pairwise-${accountId}`,
    scopes: ['openid', 'offline_access', 'email'],
    ttl: { ClientCredentials: 60, Grant: 60, IdToken: 60, RefreshToken: 60, AccessToken: 60 },
    claims: { openid: ['sub'], email: ['email'] },
    jwks: { keys: [{ ...(await exportJWK(privateKey)), kty: 'EC', alg: 'ES256', use: 'sig' }] },
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    clients: [
      client('bot', ['refresh_token']),
      client('other', ['refresh_token']),
      client('no-refresh', []),
      { ...client('signed-userinfo', []), userinfo_signed_response_alg: 'ES256' },
      { ...client('pairwise', []), subject_type: 'pairwise' },
      {
        client_id: 'public',
        token_endpoint_auth_method: 'none',
        grant_types: [GRANT_TOKEN_EXCHANGE, 'refresh_token'],
        redirect_uris: [],
        response_types: [],
      },
    ],
    findAccount: (_ctx, accountId) => {
      const account = accounts.get(accountId);
      return account && { accountId, claims: () => ({ sub: accountId, ...account }) };
    },
  });

  const authenticate = (clientId: string) =>
    clientId === 'public' ? oauth.None() : oauth.ClientSecretBasic(CLIENT_SECRET);
  const as: oauth.AuthorizationServer = { issuer: server.origin, token_endpoint: `${server.origin}/token` };
  const findClient = async (clientId: string) => {
    const registered = await provider.Client.find(clientId);
    if (registered === undefined) throw new Error(`no client ${clientId}`);
    return registered;
  };

  const world: UsersWorld = {
    issuer: server.origin,
    provider,
    signingKeys,
    issued,
    accounts,
    policy: ({ clientId, scopes }) => ({ granted: true, clientId: `${clientId}-at-as`, scopes: scopes ?? ['read'] }),
    async exchange(clientId, parameters, dpop) {
      const search = new URLSearchParams();
      const all = { requested_token_type: TOKEN_TYPE_ID_JAG, audience: AUDIENCE, resource: RESOURCE, ...parameters };
      for (const [name, values] of Object.entries(all)) for (const each of [values].flat()) search.append(name, each);
      const response = await oauth.genericTokenEndpointRequest(
        as,
        { client_id: clientId },
        authenticate(clientId),
        GRANT_TOKEN_EXCHANGE,
        search,
        { [oauth.allowInsecureRequests]: true, ...(dpop !== undefined && { DPoP: dpop }) },
      );
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    },
    async clientCredentials(clientId, dpop) {
      const response = await oauth.clientCredentialsGrantRequest(
        as,
        { client_id: clientId },
        authenticate(clientId),
        new URLSearchParams({ scope: 'openid' }),
        { [oauth.allowInsecureRequests]: true, ...(dpop !== undefined && { DPoP: dpop }) },
      );
      return (await response.json()) as Record<string, string>;
    },
    async idToken(clientId, accountId, claims = {}) {
      const token = new provider.IdToken({ sub: accountId }, { client: await findClient(clientId) });
      for (const [name, value] of Object.entries({ sub: accountId, ...claims })) token.set(name, value);
      return token.issue({ use: 'idtoken', expiresAt: Math.floor(Date.now() / 1000) + 60 });
    },
    async refreshToken(
      clientId,
      { consentedScope = 'openid email offline_access', consentedResources = {}, ...properties } = {},
    ) {
      const { accountId = 'alice' } = properties;
      const grant = new provider.Grant({ clientId, accountId });
      grant.addOIDCScope(consentedScope);
      for (const [resource, scope] of Object.entries(consentedResources)) grant.addResourceScope(resource, scope);
      const token = new provider.RefreshToken({
        client: await findClient(clientId),
        accountId,
        grantId: await grant.save(),
        gty: 'authorization_code',
        scope: 'openid email offline_access',
        ...properties,
      });
      return token.save();
    },
    async userAccessToken(clientId, accountId) {
      const grant = new provider.Grant({ clientId, accountId });
      grant.addOIDCScope('openid');
      const token = new provider.AccessToken({
        client: await findClient(clientId),
        accountId,
        grantId: await grant.save(),
        gty: 'authorization_code',
        scope: 'openid',
      });
      return token.save();
    },
    close: () => server.close(),
  };
  addIdJagExchange(provider, {
    signingKeys,
    policy: (request) => world.policy(request),
    audit: (record) => issued.push(record),
    ...options,
  });
  issuePrincipalIdTokens(provider, { signingKeys, subject: options.subject });
  const callback = provider.callback();
  server.serve((request, response) => void callback(request, response));
  return world;
}
