import type { PrivateKeyJwtOptions } from '@credence/core';
import {
  createSigningKeys,
  idJagIdentityProviderConfiguration,
  addIdJagExchange,
  issuePrincipalIdTokens,
} from '@credence/identity-provider';
import { exportJWK, generateKeyPair } from 'jose';
import { Provider } from 'oidc-provider';
import { listen } from './listen.ts';

/** An IdP with one bot that grants every requested scope. idp-policy.ts shows an IdP with a policy. */
export async function startIdentityProvider() {
  const { origin: issuer, serve, close } = await listen();
  const [bot, own] = await Promise.all([generateKeyPair('ES256'), generateKeyPair('ES256', { extractable: true })]);
  const provider = new Provider(issuer, {
    ...idJagIdentityProviderConfiguration(),
    jwks: { keys: [{ ...(await exportJWK(own.privateKey)), kty: 'EC', alg: 'ES256', use: 'sig' }] },
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    clients: [
      {
        client_id: 'reporting-bot',
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [{ ...(await exportJWK(bot.publicKey)), kty: 'EC' }] },
        grant_types: ['client_credentials', 'urn:ietf:params:oauth:grant-type:token-exchange'],
        redirect_uris: [],
        response_types: [],
      },
    ],
  });
  const signingKeys = await createSigningKeys();
  addIdJagExchange(provider, {
    signingKeys,
    policy: ({ scopes = ['issues:read', 'issues:write'] }) => ({
      granted: true,
      clientId: 'bot-at-as',
      scopes,
      claims: { groups: ['engineering'] },
    }),
  });
  issuePrincipalIdTokens(provider, { signingKeys });
  const callback = provider.callback();
  serve((request, response) => void callback(request, response));
  const credential: PrivateKeyJwtOptions = { clientId: 'reporting-bot', key: bot.privateKey };
  return { issuer, credential, close };
}
