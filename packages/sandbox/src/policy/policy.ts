import { CredenceError } from '@credence/core';
import { type Decision, decide, type PolicyQuestion } from './decide.ts';
import { effectiveGrant } from './effective-grant.ts';
import { Grants, type ServerGrant } from './grants.ts';
import type { PolicyState, PrincipalState } from './state.ts';

/** Who may reach what, as plain data. */
export interface PolicySnapshot {
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
  groups: Record<string, Record<string, ServerGrant>>;
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
  resumeServer(server: string): void;
  /** The principal can no longer authenticate at the IdP, nor exchange a token it already has. */
  disablePrincipal(principal: string): void;
  enablePrincipal(principal: string): void;
  addToGroup(principal: string, group: string): void;
  removeFromGroup(principal: string, group: string): void;
  snapshot(): PolicySnapshot;
}

export interface PolicySeed {
  /** Principals and their groups. */
  principals: Readonly<Record<string, readonly string[]>>;
  /** Servers and the scopes they know. */
  servers: Readonly<Record<string, readonly string[]>>;
}

/** A policy without grants over the given names, and the question the IdP puts to it. */
export function createPolicy(seed: PolicySeed): {
  policy: Policy;
  ask: (question: PolicyQuestion) => Decision;
  isEnabled: (principal: string) => boolean;
} {
  const state: PolicyState = {
    principals: new Map(
      Object.entries(seed.principals).map(([name, groups]) => [
        name,
        { enabled: true, groups: new Set(groups), grants: new Grants(), revoked: new Map() },
      ]),
    ),
    groups: new Map([...new Set(Object.values(seed.principals).flat())].map((group) => [group, new Grants()])),
    servers: new Map(Object.entries(seed.servers).map(([name, scopes]) => [name, { paused: false, scopes }])),
  };
  return {
    policy: policyOver(state),
    ask: (question) => decide(state, question),
    isEnabled: (name) => state.principals.get(name)?.enabled === true,
  };
}

function policyOver(state: PolicyState): Policy {
  const principal = (name: string) => known(state.principals, 'principal', name);
  const server = (name: string) => known(state.servers, 'server', name);
  const checkScopes = (serverName: string, scopes: readonly string[]) => {
    const all = new Map(server(serverName).scopes.map((scope) => [scope, scope]));
    for (const scope of scopes) known(all, `scope of ${serverName}`, scope);
  };
  const grantsOf = (who: string) =>
    state.groups.get(who) ?? known(state.principals, 'principal or group', who, [...state.groups.keys()]).grants;

  return {
    grant(who, serverName, scopes, { onRequest = false } = {}) {
      checkScopes(serverName, scopes);
      grantsOf(who).add(serverName, scopes, onRequest ? 'onRequest' : 'default');
      for (const scope of scopes) state.principals.get(who)?.revoked.get(serverName)?.delete(scope);
    },
    revokeScope(who, serverName, scope) {
      checkScopes(serverName, [scope]);
      grantsOf(who).remove(serverName, scope);
      const revoked = state.principals.get(who)?.revoked;
      revoked?.set(serverName, (revoked.get(serverName) ?? new Set()).add(scope));
    },
    pauseServer: (name) => void (server(name).paused = true),
    resumeServer: (name) => void (server(name).paused = false),
    disablePrincipal: (name) => void (principal(name).enabled = false),
    enablePrincipal: (name) => void (principal(name).enabled = true),
    addToGroup(name, group) {
      known(state.groups, 'group', group);
      principal(name).groups.add(group);
    },
    removeFromGroup(name, group) {
      known(state.groups, 'group', group);
      principal(name).groups.delete(group);
    },
    snapshot: () => snapshot(state),
  };
}

function snapshot(state: PolicyState): PolicySnapshot {
  const principals = [...state.principals].map(([name, principal]) => [name, principalSnapshot(state, principal)]);
  return {
    principals: Object.fromEntries(principals),
    groups: Object.fromEntries([...state.groups].map(([name, grants]) => [name, grants.snapshot()])),
    servers: Object.fromEntries(
      [...state.servers].map(([name, { paused, scopes }]) => [name, { paused, scopes: [...scopes] }]),
    ),
  };
}

function principalSnapshot(state: PolicyState, principal: PrincipalState): PolicySnapshot['principals'][string] {
  const { enabled, groups, grants, revoked } = principal;
  const effective = [...state.servers.keys()].map(
    (server) => [server, effectiveGrant(state, principal, server)] as const,
  );
  return {
    enabled,
    groups: [...groups],
    grants: grants.snapshot(),
    revoked: Object.fromEntries(
      [...revoked].filter(([, scopes]) => scopes.size > 0).map(([server, scopes]) => [server, [...scopes]]),
    ),
    effective: Object.fromEntries(effective.filter(([, grant]) => grant.default.length + grant.onRequest.length > 0)),
  };
}

function known<T>(map: ReadonlyMap<string, T>, kind: string, name: string, others: readonly string[] = []): T {
  const found = map.get(name);
  if (found !== undefined) return found;
  throw new CredenceError({
    code: 'invalid_configuration',
    leg: 'configure',
    message: `The sandbox has no ${kind} of the name ${JSON.stringify(name)}.`,
    remedy: `Use one of: ${[...map.keys(), ...others].join(', ')}.`,
    contact: 'you',
  });
}
