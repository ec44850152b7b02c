import { Grants, mergeHeldScopes } from './grants.ts';
import type { HeldScopes } from './held-scopes.ts';
import type { PolicyServer, PolicySubject, PolicyTableOptions } from './options.ts';

export interface ServerState extends PolicyServer {
  paused: boolean;
  readonly enabled: Set<string>;
  /** Client ids at the server's authorization server, by client id at this provider. */
  readonly clientIds: Map<string, string>;
}

export interface SubjectState {
  readonly name: string;
  disabled: boolean;
  readonly groups: Set<string>;
  readonly grants: Grants;
  readonly claims: Readonly<Record<string, unknown>>;
}

/**
 * The current state of the policy table. The state is stored in maps, because a name from a client could be that of an
 * object property (`__proto__`).
 */
export interface PolicyState {
  readonly servers: ReadonlyMap<string, ServerState>;
  readonly principals: ReadonlyMap<string, SubjectState>;
  /** Gets a new row when an administrator disables, or withholds from, a user who was accepted only by groups of `groupsOf`. */
  readonly users: Map<string, SubjectState>;
  readonly groups: ReadonlyMap<string, Grants>;
  /** Principals by client id at this provider. */
  readonly principalOfClient: ReadonlyMap<string, SubjectState>;
}

/** The row of a user of whom only the name is known. */
export function emptyRow(name: string): SubjectState {
  return { name, disabled: false, groups: new Set(), grants: new Grants(), claims: {} };
}

/** Builds the state from the options. Throws a TypeError for an unknown server, scope or group. */
export function initialState(options: PolicyTableOptions): PolicyState {
  const servers = new Map(
    Object.entries(options.servers).map(([name, server]): [string, ServerState] => [
      name,
      {
        ...server,
        paused: server.paused ?? false,
        enabled: new Set(server.enabledScopes ?? server.scopes),
        clientIds: new Map(Object.entries(server.clients)),
      },
    ]),
  );
  const grantsFrom = ({ grants = {}, withheld = {} }: Pick<PolicySubject, 'grants' | 'withheld'>): Grants => {
    const all = new Grants();
    for (const [server, grant] of Object.entries(grants)) {
      const known = getOrThrow(servers, 'server', server);
      all.setGrant(server, grant);
      const { default: byDefault, onRequest } = all.heldAt(server);
      checkScopes(server, known, [...byDefault, ...onRequest]);
    }
    for (const [server, scopes] of Object.entries(withheld)) {
      checkScopes(server, getOrThrow(servers, 'server', server), scopes);
      all.set(server, scopes, 'withheld');
    }
    return all;
  };
  const groups = new Map(Object.entries(options.groups ?? {}).map(([name, grants]) => [name, grantsFrom({ grants })]));
  const subjects = (given: NonNullable<PolicyTableOptions['users']> = {}) =>
    new Map(
      Object.entries(given).map(([name, row]): [string, SubjectState] => {
        const { groups: memberOf = [], disabled = false, claims = {} } = row;
        for (const group of memberOf) getOrThrow(groups, 'group', group);
        return [name, { name, disabled, groups: new Set(memberOf), grants: grantsFrom(row), claims }];
      }),
    );
  const principals = subjects(options.principals);
  const principalOfClient = new Map(
    Object.entries(options.principals).flatMap(([name, { clients = [name] }]) =>
      clients.map((client): [string, SubjectState] => [client, getOrThrow(principals, 'principal', name)]),
    ),
  );
  return { servers, principals, users: subjects(options.users), groups, principalOfClient };
}

export function principalsAndUsers({ principals, users }: PolicyState): ReadonlyMap<string, SubjectState> {
  return new Map([...principals, ...users]);
}

/** Finds the user's row. A user without a row gets an empty one if one of `groups` is in the table. */
export function findUser(state: PolicyState, name: string, groups: readonly string[]): SubjectState | undefined {
  const isKnown = groups.some((group) => state.groups.has(group));
  return state.users.get(name) ?? (isKnown ? emptyRow(name) : undefined);
}

/** The scopes that a subject holds at a server: its own grants and those of its groups, without withheld scopes. */
export function heldAt(
  state: PolicyState,
  who: SubjectState,
  server: string,
  furtherGroups: readonly string[] = [],
): HeldScopes {
  const groups = [...new Set([...who.groups, ...furtherGroups])].flatMap((group) => state.groups.get(group) ?? []);
  return mergeHeldScopes([who.grants, ...groups], server);
}

export function getOrThrow<T>(map: ReadonlyMap<string, T>, kind: string, name: string): T {
  const value = map.get(name);
  if (value !== undefined) return value;
  throw new TypeError(
    `policyTable: there is no ${kind} ${JSON.stringify(name)}; there are: ${[...map.keys()].join(', ')}`,
  );
}

export function checkScopes(name: string, server: ServerState, scopes: readonly string[]): void {
  const unknown = scopes.filter((scope) => !server.scopes.includes(scope));
  if (unknown.length === 0) return;
  throw new TypeError(
    `policyTable: the server ${name} has no scope ${unknown.join(' ')}; its scopes are: ${server.scopes.join(' ')}`,
  );
}
