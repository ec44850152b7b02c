import { Grants } from './grants.ts';
import type { PolicyServer, PolicyTableOptions } from './options.ts';

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
  /** Grows where somebody is disabled who was known by groups alone. */
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
  const grantsFrom = (grants: NonNullable<PolicyTableOptions['groups']>[string] = {}): Grants => {
    const held = new Grants();
    for (const [server, grant] of Object.entries(grants)) {
      const known = found(servers, 'server', server);
      held.addGrant(server, grant);
      const { default: byDefault, onRequest } = held.at(server);
      checkScopes(server, known, [...byDefault, ...onRequest]);
    }
    return held;
  };
  const groups = new Map(Object.entries(options.groups ?? {}).map(([name, grants]) => [name, grantsFrom(grants)]));
  const subjects = (given: NonNullable<PolicyTableOptions['users']> = {}) =>
    new Map(
      Object.entries(given).map(([name, { groups: memberOf = [], grants, disabled = false, claims = {} }]) => {
        for (const group of memberOf) found(groups, 'group', group);
        const subject: SubjectState = { name, disabled, groups: new Set(memberOf), grants: grantsFrom(grants), claims };
        return [name, subject];
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
