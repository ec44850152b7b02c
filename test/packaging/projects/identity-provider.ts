/** The code of an identity provider on oidc-provider, without the types of oidc-provider. */
import {
  addIdJagExchange,
  createSigningKeys,
  idJagIdentityProviderConfiguration,
  issuePrincipalIdTokens,
  type OidcProviderLike,
  policyTable,
} from '@credence/identity-provider';

export const configuration = {
  ...idJagIdentityProviderConfiguration({ dpop: { nonceSecret: Buffer.alloc(32) } }),
  clients: [],
};

const table = policyTable({
  servers: {
    issues: {
      issuer: 'https://as.example',
      resource: 'https://mcp.example/mcp',
      scopes: ['issues:read'],
      clients: { 'reporting-bot': 'bot-at-as' },
    },
  },
  principals: { 'reporting-bot': { grants: { issues: ['issues:read'] } } },
});

export async function serve(provider: OidcProviderLike): Promise<void> {
  const signingKeys = await createSigningKeys({ algorithms: ['ES256'] });
  addIdJagExchange(provider, { policy: table.policy, signingKeys });
  issuePrincipalIdTokens(provider, { signingKeys });
}
