import { type PolicyServer, type PolicyTable, policyTable } from '@credence/identity-provider';
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

/** A server, as far as the IdP has to know it. */
export type RegisteredServer = Pick<PolicyServer, 'issuer' | 'resource' | 'scopes'> & {
  readonly authorizationServer: AuthorizationServerName;
};

/** What the IdP decides by, as the story begins. Every principal is registered at every authorization server, granted or not. */
export function initialTable(
  servers: Readonly<Record<ServerName, RegisteredServer>>,
  credentials: Readonly<Record<PrincipalName, PrincipalCredentials>>,
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
    principals: byName(PRINCIPAL_NAMES, (name) => ({
      ...PRINCIPALS[name],
      clients: [name, credentials[name].secretClient.clientId],
    })),
    explainDenials: explainDenial,
  });
}
