import type { McpServerEntry, Principal, PrincipalServer } from '../sandbox.ts';
import type { PrincipalCredentials, SecretCredential } from '../credentials/credentials.ts';
import { onRequestScopes } from '../world/grants.ts';
import type { World } from '../world/world.ts';
import { principalEnvironment } from './environment.ts';

/**
 * Returns a principal with all values that a bot's configuration needs. The principal lists every MCP server, including
 * those without a grant.
 * @param at returns the principal's client at an authorization server.
 */
export function configuredPrincipal(
  idpIssuer: string,
  credentials: PrincipalCredentials,
  servers: ReadonlyMap<string, McpServerEntry<string>>,
  at: (authorizationServer: string) => SecretCredential,
  { groups, grants }: World,
): Principal<string, string> {
  const { name, clientId, credential, privateKey, keyId, secretClient } = credentials;
  const memberOf = Object.keys(groups).filter((group) => groups[group]?.includes(name));
  const principal = {
    name,
    clientId,
    privateKey,
    keyId,
    secretClient,
    groups: memberOf,
    servers: Object.fromEntries(
      [...servers].map(([server, { url, resource, issuer, authorizationServer }]): [string, PrincipalServer] => {
        const stepUp = onRequestScopes(grants, [name, ...memberOf], server);
        return [server, { url, resource, issuer, ...at(authorizationServer), ...(stepUp.length > 0 && { stepUp }) }];
      }),
    ),
  };
  return { ...principal, env: principalEnvironment(idpIssuer, credential, principal) };
}
