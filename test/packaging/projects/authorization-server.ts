/** The code of an authorization server, without oidc-provider and without the Credence packages of other roles. */
import { IdJagError, idJagTokenEndpoint, verifyIdJag } from '@credence/authorization-server';

const issuer = 'https://as.example';

export const tokenEndpoint = idJagTokenEndpoint({
  issuer,
  issuers: { 'https://idp.example': {} },
  resources: { 'https://mcp.example/mcp': { scopes: ['issues:read'] } },
  authenticateClient: ({ clientId }) => clientId,
  issueAccessToken: ({ scopes }) => scopes.join(' '),
});

export async function subjectOf(assertion: string, clientId: string): Promise<string> {
  try {
    const idJag = await verifyIdJag(assertion, { issuers: { 'https://idp.example': {} }, audience: issuer, clientId });
    return idJag.subject;
  } catch (error) {
    if (error instanceof IdJagError) return error.code;
    throw error;
  }
}
