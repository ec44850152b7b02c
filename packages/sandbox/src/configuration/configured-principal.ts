import { byName } from '../by-name.ts';
import type { McpServerEntry, Principal, PrincipalServer } from '../sandbox.ts';
import { principalEnvironment } from './environment.ts';
import type { PrincipalCredentials } from '../principals/principal.ts';
import { PRINCIPALS, SERVER_NAMES, type ServerName, STEP_UP } from '../principals/seed.ts';

/**
 * Returns a principal with all values that a bot's configuration needs. The principal lists every MCP server, including
 * those without a grant.
 */
export function configuredPrincipal(
  idpIssuer: string,
  credentials: PrincipalCredentials,
  servers: Readonly<Record<ServerName, McpServerEntry>>,
): Principal {
  const { name, privateKey, keyId, secretClient, at } = credentials;
  const principal = {
    name,
    clientId: name,
    privateKey,
    keyId,
    secretClient,
    groups: PRINCIPALS[name].groups ?? [],
    servers: byName(SERVER_NAMES, (server): PrincipalServer => {
      const { url, resource, issuer, authorizationServer } = servers[server];
      const stepUp = STEP_UP[name]?.[server];
      return { url, resource, issuer, ...at[authorizationServer], ...(stepUp !== undefined && { stepUp }) };
    }),
  };
  return { ...principal, env: principalEnvironment(idpIssuer, principal) };
}
