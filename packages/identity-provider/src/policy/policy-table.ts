import type { IssueAuditRecord } from '../issue/audit.ts';
import type { IdJagDecision, IdJagPolicy } from '../issue/policy.ts';
import { decide } from './decide.ts';
import { collectDenialFacts } from './collect-denial-facts.ts';
import { type Grants, heldByServer } from './grants.ts';
import type { HeldScopes } from './held-scopes.ts';
import { checkPolicyTable, type PolicyTableOptions } from './options.ts';
import { type PolicyTableSnapshot, snapshot } from './snapshot.ts';
import {
  checkScopes,
  emptyRow,
  getOrThrow,
  heldAt,
  initialState,
  principalsAndUsers,
  type PolicyState,
} from './state.ts';
import { targetName } from './target.ts';

/**
 * A policy that an administrator changes while it runs. Each change applies from the next request on. ID-JAGs that were issued
 * before stay valid until they expire, and access tokens until they expire or their authorization server revokes them. So with
 * short lifetimes a change has effect sooner.
 *
 * Each method throws a TypeError for a name or a scope that the table does not have, and then changes nothing.
 */
export interface PolicyTable {
  /** The policy function for the option `policy` of `addIdJagExchange`. */
  readonly policy: IdJagPolicy;
  /**
   * A function for the option `subject` of `addIdJagExchange` and `issuePrincipalIdTokens`. The function returns the name
   * of the client's principal. ID-JAGs have this name as subject with or without the option. Without it, audit records and
   * ID tokens have the client id as subject.
   */
  readonly subject: (clientId: string) => string;
  /** Returns the name of the server with the audience and resource of an audit record. Undefined if the table has none. */
  serverOf(record: Pick<IssueAuditRecord, 'audience' | 'resource'>): string | undefined;
  /**
   * Returns whether the client has a principal that is not disabled. A provider can call it before it issues a subject token to
   * the client. Without this check a disabled principal still gets subject tokens, but no ID-JAG for them.
   */
  isEnabled(clientId: string): boolean;
  /**
   * Returns the scopes that a principal or a user holds, by server: its own grants and those of its groups in the table, without
   * withheld scopes. Requests are granted only those that are enabled, and nothing if the subject is disabled or the server is
   * paused.
   */
  held(who: string): Record<string, HeldScopes>;
  /** Stops issuing ID-JAGs for this server until `resumeServer` is called. */
  pauseServer(server: string): void;
  /** Undoes `pauseServer`. */
  resumeServer(server: string): void;
  /** Undoes `disableScope`. */
  enableScope(server: string, scope: string): void;
  /** Stops granting this scope at the server, even to subjects that hold it. */
  disableScope(server: string, scope: string): void;
  /**
   * Stops issuing ID-JAGs to a principal or a user. For a principal, it applies to all of its clients, and to their requests for
   * users. With `groupsOf`, a name that is not in the table counts as a user: it gets a row in `users`, which `snapshot`
   * contains. `withhold` also adds such a row.
   */
  disablePrincipal(who: string): void;
  /** Undoes `disablePrincipal`. */
  enablePrincipal(who: string): void;
  /**
   * Grants scopes at a server to a principal, a user or a group. With `onRequest`, they are granted only to requests that name
   * them. A scope that was withheld from this subject is no longer withheld.
   */
  grant(who: string, server: string, scopes: readonly string[], options?: { readonly onRequest?: boolean }): void;
  /** Undoes `grant` for this principal, user or group. A principal or user still holds the scopes of its groups. */
  revoke(who: string, server: string, scopes: readonly string[]): void;
  /** Withholds scopes from a principal or a user, even if its groups hold them, until they are granted to it again. */
  withhold(who: string, server: string, scopes: readonly string[]): void;
  /** Adds a principal or a user to a group of the table. */
  addToGroup(who: string, group: string): void;
  /** Removes a principal or a user from a group of the table. Groups that `groupsOf` returns still apply. */
  removeFromGroup(who: string, group: string): void;
  /** Sets the client id that a client of this provider has at the server's authorization server. */
  mapClient(server: string, clientId: string, clientIdThere: string): void;
  /** Undoes `mapClient`. The client then gets no ID-JAG for the server. */
  unmapClient(server: string, clientId: string): void;
  /** Returns a copy of the current table as plain data. */
  snapshot(): PolicyTableSnapshot;
}

/**
 * Creates a policy for `addIdJagExchange` from a table of principals, users, groups and servers. For each server the table has
 * enabled scopes, a pause switch, a longest lifetime and client ids. The table can issue pairwise subjects.
 *
 * A scope is granted if the principal or one of its groups holds it, it is not withheld, and it is enabled at the server. The
 * audit record names requested scopes that are not granted. If no requested scope is granted, the request is denied with a
 * `status` that names the cause.
 *
 * Throws a TypeError for invalid or contradictory options.
 */
export function policyTable(options: PolicyTableOptions): PolicyTable {
  checkPolicyTable(options);
  const { pairwiseSecret, explainDenials = false, groupsOf, now = () => new Date() } = options;
  const state = initialState(options);
  return {
    ...changesOf(state, { openToUsers: groupsOf !== undefined }),
    ...queriesOf(state),
    async policy(request): Promise<IdJagDecision> {
      const furtherGroups = (await groupsOf?.(request)) ?? [];
      const decision = decide(state, request, { pairwiseSecret, furtherGroups, now: now() });
      if (decision.granted || explainDenials === false) return decision;
      const description =
        explainDenials === true
          ? decision.reason
          : explainDenials(decision, collectDenialFacts(state, request, furtherGroups));
      return { ...decision, description };
    },
  };
}

type Queries = Pick<PolicyTable, 'subject' | 'serverOf' | 'isEnabled' | 'held' | 'snapshot'>;

function queriesOf(state: PolicyState): Queries {
  return {
    subject: (clientId) => state.principalOfClient.get(clientId)?.name ?? clientId,
    serverOf: ({ audience = '', resource = [] }) => targetName(state, { audience, resources: resource }),
    isEnabled: (clientId) => state.principalOfClient.get(clientId)?.disabled === false,
    held(who) {
      const row = getOrThrow(principalsAndUsers(state), 'principal or user', who);
      return heldByServer([...state.servers.keys()], (server) => heldAt(state, row, server));
    },
    snapshot: () => snapshot(state),
  };
}

function changesOf(
  state: PolicyState,
  { openToUsers }: { openToUsers: boolean },
): Omit<PolicyTable, 'policy' | keyof Queries> {
  const server = (name: string) => getOrThrow(state.servers, 'server', name);
  const principalOrUser = (name: string) => getOrThrow(principalsAndUsers(state), 'principal or user', name);
  const grantsOf = (who: string) => {
    const rows = [...principalsAndUsers(state)].map(([name, { grants }]): [string, Grants] => [name, grants]);
    return getOrThrow(new Map([...rows, ...state.groups]), 'principal, user or group', who);
  };
  /** Adds a row for an unknown user, unless a group or a principal's client has that name. */
  const principalOrNewUser = (name: string) => {
    const isTaken = principalsAndUsers(state).has(name) || state.groups.has(name) || state.principalOfClient.has(name);
    if (openToUsers && !isTaken) state.users.set(name, emptyRow(name));
    return principalOrUser(name);
  };
  const group = (name: string) => getOrThrow(state.groups, 'group', name);
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
    disablePrincipal: (who) => void (principalOrNewUser(who).disabled = true),
    enablePrincipal: (who) => void (principalOrUser(who).disabled = false),
    grant(who, name, scopes, { onRequest = false } = {}) {
      knownScopes(name, scopes);
      grantsOf(who).set(name, scopes, onRequest ? 'onRequest' : 'default');
    },
    revoke(who, name, scopes) {
      knownScopes(name, scopes);
      grantsOf(who).remove(name, scopes);
    },
    withhold(who, name, scopes) {
      knownScopes(name, scopes);
      principalOrNewUser(who).grants.set(name, scopes, 'withheld');
    },
    addToGroup(who, name) {
      group(name);
      principalOrUser(who).groups.add(name);
    },
    removeFromGroup(who, name) {
      group(name);
      principalOrUser(who).groups.delete(name);
    },
    mapClient(name, clientId, clientIdThere) {
      if (clientIdThere === '') throw new TypeError('policyTable: a client id must not be empty');
      server(name).clientIds.set(clientId, clientIdThere);
    },
    unmapClient: (name, clientId) => void server(name).clientIds.delete(clientId),
  };
}
