import { CredenceError } from '@credence/core';
import type { HeldScopes, PolicyTable } from '@credence/identity-provider';

/** The scopes that a principal or group holds at one MCP server: granted by default, or only to requests that name them. */
export type ServerGrant = HeldScopes;

/** The policy as plain data: principals, groups and MCP servers with their grants. */
export interface PolicySnapshot {
  /** Service principals, by name. */
  principals: Record<
    string,
    {
      enabled: boolean;
      groups: string[];
      /** The principal's own grants, by server. The principal also holds the grants of its groups. */
      grants: Record<string, ServerGrant>;
      /** Scopes revoked from this principal, by server. The principal does not hold these scopes even if one of its groups does. */
      revoked: Record<string, string[]>;
      /** All scopes that the principal holds, by server. For a disabled principal: the scopes that it would hold if enabled. */
      effective: Record<string, ServerGrant>;
    }
  >;
  /** The grants of the members of each group, by group and server. */
  groups: Record<string, Record<string, ServerGrant>>;
  /** The MCP servers, by name. `paused`: the IdP issues no ID-JAG for the server. `scopes`: the scopes that can be granted. */
  servers: Record<string, { paused: boolean; scopes: string[] }>;
}

/**
 * The IdP's policy. Each change applies from the next request on. ID-JAGs and access tokens that were already issued stay valid
 * until they expire or are revoked, as with a real IdP.
 *
 * Every method throws a CredenceError (`invalid_configuration`) for a name that does not exist.
 */
export interface Policy {
  /** Grants scopes at a server to a principal or a group. With `onRequest`, they are granted only to requests that name them. */
  grant(who: string, server: string, scopes: readonly string[], options?: { onRequest?: boolean }): void;
  /** Revokes a scope of a principal (even if one of its groups holds it) or of a group. `grant` restores it. */
  revokeScope(who: string, server: string, scope: string): void;
  /** The IdP issues no ID-JAG for this server until `resumeServer` is called. */
  pauseServer(server: string): void;
  /** Undoes `pauseServer`. */
  resumeServer(server: string): void;
  /** The principal can no longer get a subject token at the IdP, nor exchange one that it already has. */
  disablePrincipal(principal: string): void;
  /** Undoes `disablePrincipal`. */
  enablePrincipal(principal: string): void;
  /** The principal then also holds the scopes of the group. */
  addToGroup(principal: string, group: string): void;
  /** The principal then no longer holds scopes that come only from this group. */
  removeFromGroup(principal: string, group: string): void;
  /** Returns a copy of the current policy. */
  snapshot(): PolicySnapshot;
}

/** Wraps the IdP's policy table in the interface of the sandbox. */
export function policyOver(table: PolicyTable): Policy {
  return {
    grant: (who, server, scopes, options) => change(() => table.grant(who, server, scopes, options)),
    revokeScope: (who, server, scope) =>
      change(() => {
        const isGroup = Object.hasOwn(table.snapshot().groups, who);
        if (isGroup) table.revoke(who, server, [scope]);
        else table.withhold(who, server, [scope]);
      }),
    pauseServer: (server) => change(() => table.pauseServer(server)),
    resumeServer: (server) => change(() => table.resumeServer(server)),
    disablePrincipal: (principal) => change(() => table.disablePrincipal(principal)),
    enablePrincipal: (principal) => change(() => table.enablePrincipal(principal)),
    addToGroup: (principal, group) => change(() => table.addToGroup(principal, group)),
    removeFromGroup: (principal, group) => change(() => table.removeFromGroup(principal, group)),
    snapshot: () => snapshot(table),
  };
}

function snapshot(table: PolicyTable): PolicySnapshot {
  const { principals, groups, servers } = table.snapshot();
  return {
    principals: Object.fromEntries(
      Object.entries(principals).map(([name, { disabled, groups: memberOf, grants, withheld }]) => [
        name,
        { enabled: !disabled, groups: memberOf, grants, revoked: withheld, effective: table.held(name) },
      ]),
    ),
    groups,
    servers: Object.fromEntries(
      Object.entries(servers).map(([name, { paused, enabledScopes }]) => [name, { paused, scopes: enabledScopes }]),
    ),
  };
}

/** Turns the TypeError that the policy table throws for an unknown name into a CredenceError. */
function change(make: () => void): void {
  try {
    make();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new CredenceError({
      code: 'invalid_configuration',
      leg: 'configure',
      message: `The sandbox's ${error.message}.`,
      remedy: 'Use a name that policy.snapshot() shows.',
      contact: 'you',
    });
  }
}
