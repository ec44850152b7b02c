import type { IssueAuditRecord } from '../issue/audit.ts';
import type { IdJagDecision, IdJagPolicy } from '../issue/policy.ts';
import { decide } from './decide.ts';
import { collectDenialFacts } from './collect-denial-facts.ts';
import { type Grants, heldByServer } from './grants.ts';
import type { HeldScopes } from './held-scopes.ts';
import { checkPolicyTable, type PolicyTableOptions } from './options.ts';
import { type PolicyTableSnapshot, snapshot } from './snapshot.ts';
import { checkScopes, emptyRow, found, heldAt, initialState, people, type PolicyState } from './state.ts';
import { targetName } from './target.ts';

/**
 * An administrator's policy as a table. Every change holds from the next request on; an ID-JAG that is out lives until
 * it expires, and access tokens until their authorization server ends them: short lifetimes are the other half of a
 * kill switch.
 *
 * Every change throws a TypeError for a name or a scope that the table does not have, and changes nothing then.
 */
export interface PolicyTable {
  /** For `addIdJagExchange`. */
  readonly policy: IdJagPolicy;
  /**
   * For the option `subject` of `addIdJagExchange` and `issuePrincipalIdTokens`: the principal's name, whichever of its clients
   * asks. ID-JAGs have that name in any case; without this, audit records and ID tokens have the client's.
   */
  readonly subject: (clientId: string) => string;
  /** The server that an audit record's audience and resource stand for, by its name here; undefined where none does. */
  serverOf(record: Pick<IssueAuditRecord, 'audience' | 'resource'>): string | undefined;
  /**
   * Whether the client's principal is there and not disabled: for a provider that asks before it gives the client a token of
   * its own. Without that a disabled principal still gets one, and can exchange it for nothing.
   */
  isEnabled(clientId: string): boolean;
  /**
   * What a principal or a user holds, by server: its own grants and those of its groups in the table, less what is
   * withheld. It is granted as much of that as is enabled, where neither it nor the server is stopped.
   */
  held(who: string): Record<string, HeldScopes>;
  /** The kill switch: nothing is issued for this server until it is resumed. */
  pauseServer(server: string): void;
  /** Ends what `pauseServer` began. */
  resumeServer(server: string): void;
  /** Ends what `disableScope` began. */
  enableScope(server: string, scope: string): void;
  /** Nobody is granted this scope there, whatever they hold. */
  disableScope(server: string, scope: string): void;
  /**
   * A principal, with all its clients, also where they ask for a user; or a user. Where there is a `groupsOf`, a name that
   * is not in the table is a user's: it gets a row in `users`, which `snapshot` shows. The same holds for `withhold`.
   */
  disablePrincipal(who: string): void;
  /** Ends what `disablePrincipal` began. */
  enablePrincipal(who: string): void;
  /**
   * Gives a principal, a user or a group scopes at a server; `onRequest`: only to requests that name them. What was
   * withheld is so no longer.
   */
  grant(who: string, server: string, scopes: readonly string[], options?: { readonly onRequest?: boolean }): void;
  /** Takes back what was given to exactly this principal, user or group; what its groups hold, it still holds. */
  revoke(who: string, server: string, scopes: readonly string[]): void;
  /** Takes scopes from a principal or a user, whatever its groups hold, until they are granted to it again. */
  withhold(who: string, server: string, scopes: readonly string[]): void;
  /** Puts a principal or a user into a group of the table. */
  addToGroup(who: string, group: string): void;
  /** A group that `groupsOf` names still counts. */
  removeFromGroup(who: string, group: string): void;
  /** Enters the client id that a client of this provider has at the server's authorization server. */
  mapClient(server: string, clientId: string, clientIdThere: string): void;
  /** Removes what `mapClient` entered: that client gets nothing for the server any more. */
  unmapClient(server: string, clientId: string): void;
  /** Who may reach what, as plain data. */
  snapshot(): PolicyTableSnapshot;
}

/**
 * The ready-made policy of `addIdJagExchange`: principals, groups, servers, enabled scopes, a kill switch and a longest
 * lifetime for each server, client ids as each authorization server knows them, pairwise subjects.
 *
 * A scope is granted where the principal or a group of it holds it, it is not withheld, and the server has it enabled.
 * What is left out of a request is named in the audit record, and a request of which nothing is left is denied with a
 * `status` that says why.
 *
 * Throws a TypeError for a table that contradicts itself.
 */
export function policyTable(options: PolicyTableOptions): PolicyTable {
  checkPolicyTable(options);
  const { pairwiseSecret, explainDenials = false, groupsOf, now = () => new Date() } = options;
  const state = initialState(options);
  return {
    ...changesOf(state, { openToUsers: groupsOf !== undefined }),
    ...questionsOf(state),
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

type Questions = Pick<PolicyTable, 'subject' | 'serverOf' | 'isEnabled' | 'held' | 'snapshot'>;

function questionsOf(state: PolicyState): Questions {
  return {
    subject: (clientId) => state.principalOfClient.get(clientId)?.name ?? clientId,
    serverOf: ({ audience = '', resource = [] }) => targetName(state, { audience, resources: resource }),
    isEnabled: (clientId) => state.principalOfClient.get(clientId)?.disabled === false,
    held(who) {
      const row = found(people(state), 'principal or user', who);
      return heldByServer([...state.servers.keys()], (server) => heldAt(state, row, server));
    },
    snapshot: () => snapshot(state),
  };
}

function changesOf(
  state: PolicyState,
  { openToUsers }: { openToUsers: boolean },
): Omit<PolicyTable, 'policy' | keyof Questions> {
  const server = (name: string) => found(state.servers, 'server', name);
  const person = (name: string) => found(people(state), 'principal or user', name);
  const grantsOf = (who: string) => {
    const rows = [...people(state)].map(([name, { grants }]): [string, Grants] => [name, grants]);
    return found(new Map([...rows, ...state.groups]), 'principal, user or group', who);
  };
  /** Neither a group nor a principal's client is a user by that name. */
  const personOrNewUser = (name: string) => {
    const isTaken = people(state).has(name) || state.groups.has(name) || state.principalOfClient.has(name);
    if (openToUsers && !isTaken) state.users.set(name, emptyRow(name));
    return person(name);
  };
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
    disablePrincipal: (who) => void (personOrNewUser(who).disabled = true),
    enablePrincipal: (who) => void (person(who).disabled = false),
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
      personOrNewUser(who).grants.set(name, scopes, 'withheld');
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
