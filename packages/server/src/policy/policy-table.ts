import type { IdJagDecision, IdJagPolicy } from '../issue/policy.ts';
import { decide } from './decide.ts';
import type { HeldScopes } from './grants.ts';
import { checkPolicyTable, type PolicyTableOptions } from './options.ts';
import { checkScopes, emptyRow, found, initialState, type PolicyState, type SubjectState } from './state.ts';

/**
 * An administrator's policy as a table. Every change holds from the next request on; an ID-JAG that is out lives until
 * it expires, and access tokens until their authorization server ends them: short lifetimes are the other half of a
 * kill switch.
 *
 * Every change throws a TypeError for a name or a scope that the table does not have, and changes nothing then.
 */
export interface PolicyTable {
  /** For `issueIdJag`. */
  readonly policy: IdJagPolicy;
  /**
   * For the option `subject` of `issueIdJag` and `issuePrincipalIdTokens`: the principal's name, whichever of its clients
   * asks. ID-JAGs have that name in any case; without this, audit records and ID tokens have the client's.
   */
  readonly subject: (clientId: string) => string;
  /** The kill switch: nothing is issued for this server until it is resumed. */
  pauseServer(server: string): void;
  resumeServer(server: string): void;
  enableScope(server: string, scope: string): void;
  /** Nobody is granted this scope there, whatever they hold. */
  disableScope(server: string, scope: string): void;
  /**
   * A principal, with all its clients, also where they ask for a user; or a user. Where there is a `groupsOf`, a name that
   * is not in the table is a user's: it gets a row in `users`, which `snapshot` shows.
   */
  disablePrincipal(who: string): void;
  enablePrincipal(who: string): void;
  /** Gives a principal, a user or a group scopes at a server; `onRequest`: only to requests that name them. */
  grant(who: string, server: string, scopes: readonly string[], options?: { readonly onRequest?: boolean }): void;
  /** Takes back what was given to exactly this principal, user or group; what its groups hold, it still holds. */
  revoke(who: string, server: string, scopes: readonly string[]): void;
  addToGroup(who: string, group: string): void;
  /** A group that `groupsOf` names still counts. */
  removeFromGroup(who: string, group: string): void;
  /** Enters the client id that a client of this provider has at the server's authorization server. */
  mapClient(server: string, clientId: string, clientIdThere: string): void;
  unmapClient(server: string, clientId: string): void;
  /** Who may reach what, as plain data. */
  snapshot(): PolicyTableSnapshot;
}

export interface PolicyTableSnapshot {
  readonly servers: Readonly<
    Record<string, { paused: boolean; enabledScopes: string[]; clients: Record<string, string> }>
  >;
  readonly principals: Readonly<Record<string, PolicySubjectSnapshot>>;
  readonly users: Readonly<Record<string, PolicySubjectSnapshot>>;
  readonly groups: Readonly<Record<string, Record<string, HeldScopes>>>;
}

export interface PolicySubjectSnapshot {
  readonly disabled: boolean;
  readonly groups: readonly string[];
  readonly grants: Readonly<Record<string, HeldScopes>>;
}

/**
 * The ready-made policy of `issueIdJag`: principals, groups, servers, enabled scopes, a kill switch and a longest
 * lifetime for each server, client ids as each authorization server knows them, pairwise subjects.
 *
 * A scope is granted where the principal or a group of it holds it and the server has it enabled; what is left out of a
 * request is named in the audit record, and a request of which nothing is left is denied with a `status` that says why.
 *
 * Throws a TypeError for a table that contradicts itself.
 */
export function policyTable(options: PolicyTableOptions): PolicyTable {
  checkPolicyTable(options);
  const { pairwiseSecret, explainDenials = false, groupsOf, now = () => new Date() } = options;
  const state = initialState(options);
  return {
    ...changesOf(state, { openToUsers: groupsOf !== undefined }),
    subject: (clientId) => state.principalOfClient.get(clientId)?.name ?? clientId,
    async policy(request): Promise<IdJagDecision> {
      const furtherGroups = (await groupsOf?.(request)) ?? [];
      const decision = decide(state, request, { pairwiseSecret, furtherGroups, now: now() });
      if (decision.granted || !explainDenials) return decision;
      return { ...decision, description: decision.reason };
    },
    snapshot: () => snapshot(state),
  };
}

function changesOf(
  state: PolicyState,
  { openToUsers }: { openToUsers: boolean },
): Omit<PolicyTable, 'policy' | 'subject' | 'snapshot'> {
  const server = (name: string) => found(state.servers, 'server', name);
  const people = () => new Map([...state.principals, ...state.users]);
  const person = (name: string) => found(people(), 'principal or user', name);
  const held = (who: string) => state.groups.get(who) ?? found(people(), 'principal, user or group', who).grants;
  const group = (name: string) => found(state.groups, 'group', name);
  const knownScopes = (name: string, scopes: readonly string[]) => checkScopes(name, server(name), scopes);
  return {
    pauseServer: (name) => void (server(name).paused = true),
    resumeServer: (name) => void (server(name).paused = false),
    enableScope(name, scope) {
      knownScopes(name, [scope]);
      server(name).enabled.add(scope);
    },
    disableScope(name, scope) {
      knownScopes(name, [scope]);
      server(name).enabled.delete(scope);
    },
    disablePrincipal(who) {
      // Neither a group nor a principal's client is a user by that name.
      if (openToUsers && !people().has(who) && !state.groups.has(who) && !state.principalOfClient.has(who)) {
        state.users.set(who, emptyRow(who));
      }
      person(who).disabled = true;
    },
    enablePrincipal: (who) => void (person(who).disabled = false),
    grant(who, name, scopes, { onRequest = false } = {}) {
      knownScopes(name, scopes);
      held(who).add(name, scopes, onRequest ? 'onRequest' : 'default');
    },
    revoke(who, name, scopes) {
      knownScopes(name, scopes);
      held(who).remove(name, scopes);
    },
    addToGroup(who, name) {
      group(name);
      person(who).groups.add(name);
    },
    removeFromGroup(who, name) {
      group(name);
      person(who).groups.delete(name);
    },
    mapClient(name, clientId, clientIdThere) {
      if (clientIdThere === '') throw new TypeError('policyTable: a client id is not empty');
      server(name).clientIds.set(clientId, clientIdThere);
    },
    unmapClient: (name, clientId) => void server(name).clientIds.delete(clientId),
  };
}

function snapshot(state: PolicyState): PolicyTableSnapshot {
  const subjects = (given: ReadonlyMap<string, SubjectState>) =>
    Object.fromEntries(
      [...given].map(([name, { disabled, groups, grants }]) => [
        name,
        { disabled, groups: [...groups], grants: grants.snapshot() },
      ]),
    );
  return {
    servers: Object.fromEntries(
      [...state.servers].map(([name, { paused, enabled, clientIds }]) => [
        name,
        { paused, enabledScopes: [...enabled], clients: Object.fromEntries(clientIds) },
      ]),
    ),
    principals: subjects(state.principals),
    users: subjects(state.users),
    groups: Object.fromEntries([...state.groups].map(([name, grants]) => [name, grants.snapshot()])),
  };
}
