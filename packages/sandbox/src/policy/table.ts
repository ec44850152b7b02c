import { type PolicyServer, type PolicyTable, policyTable } from '@credence/identity-provider';
import type { PrincipalCredentials, SecretCredential } from '../credentials/credentials.ts';
import type { World } from '../world/world.ts';
import { explainDenial } from './explain-denial.ts';

/** The data of an MCP server that the IdP needs. */
export type RegisteredServer = Pick<PolicyServer, 'issuer' | 'resource' | 'scopes'> & {
  /** The client of each principal at the server's authorization server. */
  readonly clients: ReadonlyMap<string, SecretCredential>;
};

/** Creates the IdP's policy table. Every principal has a client at every authorization server, even without a grant there. */
export function initialTable(
  { principals, groups, grants, users }: World,
  servers: ReadonlyMap<string, RegisteredServer>,
  credentials: readonly PrincipalCredentials[],
): PolicyTable {
  const clientIds = new Map(
    credentials.map(({ name, clientId, secretClient }) => [name, [clientId, secretClient.clientId]]),
  );
  const grantsOf = new Map(Object.entries(grants));
  return policyTable({
    servers: Object.fromEntries(
      [...servers].map(([name, { issuer, resource, scopes, clients }]): [string, PolicyServer] => {
        const there = [...clients].flatMap(([principal, client]) =>
          (clientIds.get(principal) ?? []).map((clientId) => [clientId, client.clientId]),
        );
        return [name, { issuer, resource, scopes, clients: Object.fromEntries(there) }];
      }),
    ),
    groups: Object.fromEntries(Object.keys(groups).map((group) => [group, grantsOf.get(group) ?? {}])),
    principals: Object.fromEntries(
      principals.map(({ name, disabled }) => [
        name,
        {
          disabled,
          groups: Object.keys(groups).filter((group) => groups[group]?.includes(name)),
          grants: grantsOf.get(name) ?? {},
          clients: clientIds.get(name) ?? [],
        },
      ]),
    ),
    users,
    explainDenials: explainDenial,
  });
}
