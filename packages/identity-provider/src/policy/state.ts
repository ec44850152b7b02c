import { Grants, together } from './grants.ts';
import type { HeldScopes } from './held-scopes.ts';
import type { PolicyServer, PolicySubject, PolicyTableOptions } from './options.ts';

export interface ServerState extends PolicyServer {
  paused: boolean;
  readonly enabled: Set<string>;
  /** Client ids there, by client id here. */
  readonly clientIds: Map<string, string>;
}

export interface SubjectState {
  readonly name: string;
  disabled: boolean;
  readonly groups: Set<string>;
  readonly grants: Grants;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** The table as it stands. Maps, so that no name that a client sends can be one that objects have. */
export interface PolicyState {
  readonly servers: ReadonlyMap<string, ServerState>;
  readonly principals: ReadonlyMap<string, SubjectState>;
  /** Grows where an administrator changes something about somebody who was known by groups alone. */
  readonly users: Map<string, SubjectState>;
  readonly groups: ReadonlyMap<string, Grants>;
  /** Principals by their clients at this provider. */
  readonly principalOfClient: ReadonlyMap<string, SubjectState>;
}

/** A row for somebody of whom nothing but the name is known. */
export function emptyRow(name: string): SubjectState {
  return { name, disabled: false, groups: new Set(), grants: new Grants(), claims: {} };
}

/** Throws a TypeError for a grant or a group that the table does not have. */
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
      const known = found(servers, 'server', server);
      all.setGrant(server, grant);
      const { default: byDefault, onRequest } = all.heldAt(server);
      checkScopes(server, known, [...byDefault, ...onRequest]);
    }
    for (const [server, scopes] of Object.entries(withheld)) {
      checkScopes(server, found(servers, 'server', server), scopes);
      all.set(server, scopes, 'withheld');
    }
    return all;
  };
  const groups = new Map(Object.entries(options.groups ?? {}).map(([name, grants]) => [name, grantsFrom({ grants })]));
  const subjects = (given: NonNullable<PolicyTableOptions['users']> = {}) =>
    new Map(
      Object.entries(given).map(([name, row]): [string, SubjectState] => {
        const { groups: memberOf = [], disabled = false, claims = {} } = row;
        for (const group of memberOf) found(groups, 'group', group);
        return [name, { name, disabled, groups: new Set(memberOf), grants: grantsFrom(row), claims }];
      }),
    );
  const principals = subjects(options.principals);
  const principalOfClient = new Map(
    Object.entries(options.principals).flatMap(([name, { clients = [name] }]) =>
      clients.map((client): [string, SubjectState] => [client, found(principals, 'principal', name)]),
    ),
  );
  return { servers, principals, users: subjects(options.users), groups, principalOfClient };
}

export function people({ principals, users }: PolicyState): ReadonlyMap<string, SubjectState> {
  return new Map([...principals, ...users]);
}

/** A user of the table, or one who is known by groups alone. */
export function findUser(state: PolicyState, name: string, groups: readonly string[]): SubjectState | undefined {
  const isKnown = groups.some((group) => state.groups.has(group));
  return state.users.get(name) ?? (isKnown ? emptyRow(name) : undefined);
}

/** What somebody holds at a server: its own grants and those of its groups, less what is withheld from it. */
export function heldAt(
  state: PolicyState,
  who: SubjectState,
  server: string,
  furtherGroups: readonly string[] = [],
): HeldScopes {
  const groups = [...new Set([...who.groups, ...furtherGroups])].flatMap((group) => state.groups.get(group) ?? []);
  return together([who.grants, ...groups], server);
}

export function found<T>(map: ReadonlyMap<string, T>, kind: string, name: string): T {
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
    `policyTable: ${name} does not know the scopes ${unknown.join(' ')}; it knows: ${server.scopes.join(' ')}`,
  );
}
