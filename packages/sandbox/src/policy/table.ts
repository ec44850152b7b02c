import { type PolicyServer, type PolicyTable, policyTable } from '@credence/identity-provider';
import type { UserOptions } from '../users/options.ts';
import { byName } from '../by-name.ts';
import type { PrincipalCredentials } from '../principals/principal.ts';
import {
  type AuthorizationServerName,
  GROUP_GRANTS,
  PRINCIPAL_NAMES,
  PRINCIPALS,
  type PrincipalName,
  SERVER_NAMES,
  type ServerName,
} from '../principals/seed.ts';
import { explainDenial } from './explain-denial.ts';

/** The data of an MCP server that the IdP needs. */
export type RegisteredServer = Pick<PolicyServer, 'issuer' | 'resource' | 'scopes'> & {
  readonly authorizationServer: AuthorizationServerName;
};

/** Creates the IdP's policy table. Every principal has a client at every authorization server, even without a grant there. */
export function initialTable(
  servers: Readonly<Record<ServerName, RegisteredServer>>,
  credentials: Readonly<Record<PrincipalName, PrincipalCredentials>>,
  users: Readonly<Record<string, UserOptions>>,
): PolicyTable {
  const all = Object.values(credentials);
  return policyTable({
    servers: byName(SERVER_NAMES, (name): PolicyServer => {
      const { issuer, resource, scopes, authorizationServer } = servers[name];
      const clients = all.flatMap(({ name: principal, secretClient, at }) => [
        [principal, at[authorizationServer].clientId],
        [secretClient.clientId, at[authorizationServer].clientId],
      ]);
      return { issuer, resource, scopes, clients: Object.fromEntries(clients) };
    }),
    groups: GROUP_GRANTS,
    users,
    principals: byName(PRINCIPAL_NAMES, (name) => ({
      ...PRINCIPALS[name],
      clients: [name, credentials[name].secretClient.clientId],
    })),
    explainDenials: explainDenial,
  });
}
