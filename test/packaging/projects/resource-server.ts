/** The code of an MCP server, without an MCP SDK and without the Credence packages of other roles. */
import { accessTokenGate, accessTokenVerifier, protectedResourceMetadata } from '@credence/resource-server';

const issuer = 'https://as.example';
const resource = 'https://mcp.example/mcp';

export const metadata = protectedResourceMetadata({ resource, authorizationServers: [issuer] });
export const gate = accessTokenGate({ verifier: accessTokenVerifier({ issuer, resource, jwt: {} }) });
