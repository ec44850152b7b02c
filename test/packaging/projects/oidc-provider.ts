/** The code of an identity provider and an authorization server on oidc-provider, with its types. */
import { addIdJagGrant, idJagAuthorizationServerConfiguration } from '@credence/authorization-server/oidc-provider';
import {
  addIdJagExchange,
  createSigningKeys,
  idJagIdentityProviderConfiguration,
  policyTable,
} from '@credence/identity-provider';
import { type Configuration, Provider } from 'oidc-provider';

export const configuration: Configuration = { ...idJagIdentityProviderConfiguration(), clients: [] };

export async function identityProvider(): Promise<Provider> {
  const provider = new Provider('https://idp.example', configuration);
  const { policy } = policyTable({ servers: {}, principals: {} });
  addIdJagExchange(provider, { policy, signingKeys: await createSigningKeys() });
  return provider;
}

export function authorizationServer(): Provider {
  const provider = new Provider('https://as.example', idJagAuthorizationServerConfiguration());
  addIdJagGrant(provider, {
    issuers: { 'https://idp.example': {} },
    resources: { 'https://mcp.example/mcp': { scopes: ['issues:read'] } },
  });
  return provider;
}
