import { randomBytes } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { GRANT_CLIENT_CREDENTIALS, GRANT_JWT_BEARER, GRANT_JWT_DPOP, GRANT_TOKEN_EXCHANGE } from '@credence/core';
import {
  createSigningKeys,
  idJagIdentityProviderConfiguration,
  type IdJagPolicy,
  type IdJagRequest,
  addIdJagExchange,
  type IssueAuditRecord,
  type IdJagExchangeOptions,
  issuePrincipalIdTokens,
  type SigningAlgorithm,
  type SigningKeys,
} from '@credence/identity-provider';
import {
  idJagAuthorizationServerConfiguration,
  addIdJagGrant,
  type IdJagGrantOptions,
} from '@credence/authorization-server/oidc-provider';
import type { RedeemAuditRecord } from '@credence/authorization-server';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { Provider } from '../oidc-provider.ts';
import { type Loopback, loopback } from './loopback.ts';

export const OPAQUE_RESOURCE = 'https://mcp.example/opaque';
export const JWT_RESOURCE = 'https://mcp.example/jwt';
export const AS_SECRET = 'a-secret-of-the-bot-at-the-authorization-server';
export const IDP_SECRET = 'a-secret-at-the-identity-provider-of-32-or-more';
export const RS_SECRET = 'a-secret-of-the-resource-server';

export interface World {
  readonly idp: { readonly issuer: string; readonly server: Loopback; readonly provider: Provider };
  readonly as: { readonly issuer: string; readonly server: Loopback; readonly provider: Provider };
  readonly signingKeys: SigningKeys;
  /** The key pairs with which the two bots authenticate at the IdP. */
  readonly keys: { readonly bot: CryptoKeyPairLike; readonly other: CryptoKeyPairLike };
  readonly issued: IssueAuditRecord[];
  readonly redeemed: RedeemAuditRecord[];
  policy: IdJagPolicy;
  close(): Promise<void>;
}

export type CryptoKeyPairLike = Awaited<ReturnType<typeof generateKeyPair>>;

/** Grants the requested scopes, to the client whose id at the authorization server is the IdP client's id with `-at-as`. */
export const generousPolicy: IdJagPolicy = ({ clientId, scopes }) => ({
  granted: true,
  clientId: `${clientId}-at-as`,
  scopes: scopes ?? ['issues:read', 'issues:write'],
});

/** Sets a policy that grants every request, and returns the list to which it adds each request. */
export function spyOnPolicy(world: World): IdJagRequest[] {
  const requests: IdJagRequest[] = [];
  world.policy = (request) => {
    requests.push(request);
    return generousPolicy(request);
  };
  return requests;
}

/** Starts an identity provider and an authorization server, both oidc-provider, with two bots that are clients of both. */
export async function startWorld(
  options: {
    redeem?: Partial<IdJagGrantOptions>;
    issue?: Partial<IdJagExchangeOptions>;
    algorithms?: readonly SigningAlgorithm[];
    /** Whether the authorization server requires a nonce in DPoP proofs. */
    dpopNonces?: boolean;
  } = {},
): Promise<World> {
  const [idpServer, asServer, signingKeys, bot, other, idpKey, asKey] = await Promise.all([
    loopback(),
    loopback(),
    createSigningKeys({ algorithms: options.algorithms ?? ['ES256'] }),
    generateKeyPair('ES256'),
    generateKeyPair('ES256'),
    providerKey(),
    providerKey(),
  ]);
  const issued: IssueAuditRecord[] = [];
  const redeemed: RedeemAuditRecord[] = [];

  const common = {
    grant_types: [GRANT_CLIENT_CREDENTIALS, GRANT_TOKEN_EXCHANGE],
    redirect_uris: [],
    response_types: [],
  };
  const idpClient = async (id: string, pair: CryptoKeyPairLike) => ({
    client_id: id,
    token_endpoint_auth_method: 'private_key_jwt' as const,
    jwks: { keys: [{ ...(await exportJWK(pair.publicKey)), kty: 'EC', kid: id }] },
    grant_types: [GRANT_CLIENT_CREDENTIALS, GRANT_TOKEN_EXCHANGE],
    redirect_uris: [],
    response_types: [],
  });
  const idp = new Provider(idpServer.origin, {
    ...idJagIdentityProviderConfiguration(),
    jwks: { keys: [idpKey] },
    clients: [
      await idpClient('bot', bot),
      await idpClient('other', other),
      { ...common, client_id: 'public', token_endpoint_auth_method: 'none', grant_types: [GRANT_TOKEN_EXCHANGE] },
      { ...common, client_id: 'bound', client_secret: IDP_SECRET, dpop_bound_access_tokens: true },
      { ...common, client_id: 'symmetric', client_secret: IDP_SECRET, id_token_signed_response_alg: 'HS256' },
    ],
    findAccount: (_context, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
    ttl: { ...idJagIdentityProviderConfiguration().ttl, AccessToken: 60 },
    enabledJWA: { idTokenSigningAlgValues: ['ES256', 'HS256'] },
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
  });

  const asClient = (id: string, secret: string, grantTypes: string[]) => ({
    client_id: id,
    client_secret: secret,
    grant_types: grantTypes,
    redirect_uris: [],
    response_types: [],
  });
  const as = new Provider(asServer.origin, {
    ...idJagAuthorizationServerConfiguration(
      options.dpopNonces === true ? { dpop: { nonceSecret: randomBytes(32), requireNonce: true } } : {},
    ),
    jwks: { keys: [asKey] },
    clients: [
      asClient('bot-at-as', AS_SECRET, [GRANT_JWT_BEARER, GRANT_JWT_DPOP]),
      asClient('other-at-as', AS_SECRET, [GRANT_JWT_BEARER]),
      { ...asClient('bound-at-as', AS_SECRET, [GRANT_JWT_BEARER]), dpop_bound_access_tokens: true },
      {
        client_id: 'public-at-as',
        token_endpoint_auth_method: 'none',
        grant_types: [GRANT_JWT_BEARER],
        redirect_uris: [],
        response_types: [],
      },
      asClient('resource-server', RS_SECRET, []),
    ],
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
  });

  const world: World = {
    idp: { issuer: idpServer.origin, server: idpServer, provider: idp },
    as: { issuer: asServer.origin, server: asServer, provider: as },
    signingKeys,
    keys: { bot, other },
    issued,
    redeemed,
    policy: generousPolicy,
    async close() {
      await Promise.all([idpServer.close(), asServer.close()]);
    },
  };
  addIdJagExchange(idp, {
    signingKeys,
    policy: (request) => world.policy(request),
    audit: (record) => issued.push(record),
    ...options.issue,
  });
  issuePrincipalIdTokens(idp, { signingKeys });
  addIdJagGrant(as, {
    issuers: { [idpServer.origin]: {} },
    resources: {
      [OPAQUE_RESOURCE]: { scopes: ['issues:read', 'issues:write'] },
      [JWT_RESOURCE]: { scopes: ['docs:read', 'issues:read'], accessTokenFormat: 'jwt', accessTokenAlgorithm: 'ES256' },
    },
    audit: (record) => redeemed.push(record),
    ...options.redeem,
  });
  idpServer.serve(listenerOf(idp));
  asServer.serve(listenerOf(as));
  return world;
}

function listenerOf(provider: Provider): RequestListener {
  const callback = provider.callback();
  return (request, response) => void callback(request, response);
}

async function providerKey(): Promise<JWK & { kty: string }> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  return { ...(await exportJWK(privateKey)), kty: 'EC', alg: 'ES256', use: 'sig' };
}
