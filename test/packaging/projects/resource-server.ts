/** What the owner of an MCP server writes, with no SDK and no other role of Credence installed. */
import { accessTokenGate, accessTokenVerifier, protectedResourceMetadata } from '@credence/resource-server';

const issuer = 'https://as.example';
const resource = 'https://mcp.example/mcp';

export const metadata = protectedResourceMetadata({ resource, authorizationServers: [issuer] });
export const gate = accessTokenGate({ verifier: accessTokenVerifier({ issuer, resource, jwt: {} }) });
