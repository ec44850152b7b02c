/** What the owner of an MCP server writes, with no oidc-provider and no SDK installed. */
import { isCredenceError } from '@credence/core';
import {
  accessTokenGate,
  accessTokenVerifier,
  idJagTokenEndpoint,
  IdJagError,
  protectedResourceMetadata,
  verifyIdJag,
} from '@credence/server';

const issuer = 'https://as.example';
const resource = 'https://mcp.example/mcp';

export const metadata = protectedResourceMetadata({ resource, authorizationServers: [issuer] });
export const gate = accessTokenGate({ verifier: accessTokenVerifier({ issuer, resource, jwt: {} }) });

export const tokenEndpoint = idJagTokenEndpoint({
  issuer,
  issuers: { 'https://idp.example': {} },
  resources: { [resource]: { scopes: ['issues:read'] } },
  authenticateClient: ({ clientId }) => clientId,
  issueAccessToken: ({ scopes }) => scopes.join(' '),
});

export async function subjectOf(assertion: string, clientId: string): Promise<string> {
  try {
    const idJag = await verifyIdJag(assertion, { issuers: { 'https://idp.example': {} }, audience: issuer, clientId });
    return idJag.subject;
  } catch (error) {
    if (error instanceof IdJagError) return error.code;
    if (isCredenceError(error)) return error.remedy;
    throw error;
  }
}
