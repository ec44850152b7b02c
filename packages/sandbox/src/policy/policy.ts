import { CredenceError } from '@credence/core';
import type { HeldScopes, PolicyTable } from '@credence/identity-provider';

/** Which scopes somebody holds at a server, and whether they come by default or only when asked for. */
export type ServerGrant = HeldScopes;

/** Who may reach what, as plain data. */
export interface PolicySnapshot {
  /** Service principals, by name. */
  principals: Record<
    string,
    {
      enabled: boolean;
      groups: string[];
      /** The principal's own grants; those of its groups come on top. */
      grants: Record<string, ServerGrant>;
      /** Scopes taken away from this principal, whatever its groups hold. */
      revoked: Record<string, string[]>;
      /** What comes of all that, by server; what a disabled principal would hold if it were enabled. */
      effective: Record<string, ServerGrant>;
    }
  >;
  /** What the members of each group hold, by group and server. */
  groups: Record<string, Record<string, ServerGrant>>;
  /** The MCP servers, by name: whether the IdP issues nothing for it, and the scopes it knows. */
  servers: Record<string, { paused: boolean; scopes: string[] }>;
}

/**
 * The IdP's policy. Every change holds from the next request on; ID-JAGs and access tokens that are already out live until
 * they expire or are revoked, as they do at a real IdP.
 *
 * Every method throws a CredenceError (`invalid_configuration`) for a name that does not exist.
 */
export interface Policy {
  /** Gives a principal or a group scopes at a server; with `onRequest` only to requests that name them. */
  grant(who: string, server: string, scopes: readonly string[], options?: { onRequest?: boolean }): void;
  /** Takes a scope from a principal (even where one of its groups holds it) or from a group. `grant` gives it back. */
  revokeScope(who: string, server: string, scope: string): void;
  /** The IdP issues nothing for this server until it is resumed. */
  pauseServer(server: string): void;
  /** Ends what `pauseServer` began. */
  resumeServer(server: string): void;
  /** The principal can no longer authenticate at the IdP, nor exchange a token it already has. */
  disablePrincipal(principal: string): void;
  /** Ends what `disablePrincipal` began. */
  enablePrincipal(principal: string): void;
  /** The principal also holds what the group holds. */
  addToGroup(principal: string, group: string): void;
  /** The principal no longer holds what only the group holds. */
  removeFromGroup(principal: string, group: string): void;
  /** The policy as it is now, as a copy. */
  snapshot(): PolicySnapshot;
}

/** The IdP's table, as the sandbox offers it. */
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

/** The table throws a TypeError for what it does not know. */
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
