import type { HeldScopes } from './held-scopes.ts';
import type { PolicyState, SubjectState } from './state.ts';

/** A table of policy as it is at one moment, as plain data. */
export interface PolicyTableSnapshot {
  /** The MCP servers, by name. */
  readonly servers: Readonly<
    Record<string, { paused: boolean; enabledScopes: string[]; clients: Record<string, string> }>
  >;
  /** The service principals, by name. */
  readonly principals: Readonly<Record<string, PolicySubjectSnapshot>>;
  /** The users, by `sub`. */
  readonly users: Readonly<Record<string, PolicySubjectSnapshot>>;
  /** What the members of each group hold, by group and server. */
  readonly groups: Readonly<Record<string, Record<string, HeldScopes>>>;
}

/** A principal or a user of the table at one moment. */
export interface PolicySubjectSnapshot {
  /** Whether nothing is issued to it. */
  readonly disabled: boolean;
  /** The groups of the table that it is in. */
  readonly groups: string[];
  /** Its own grants, by server; those of its groups come on top. */
  readonly grants: Record<string, HeldScopes>;
  /** Scopes that it does not have, by server, whatever its groups hold. */
  readonly withheld: Record<string, string[]>;
}

export function snapshot(state: PolicyState): PolicyTableSnapshot {
  const subjects = (given: ReadonlyMap<string, SubjectState>) =>
    Object.fromEntries(
      [...given].map(([name, { disabled, groups, grants }]) => [
        name,
        { disabled, groups: [...groups], grants: grants.held(), withheld: grants.withheld() },
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
    groups: Object.fromEntries([...state.groups].map(([name, grants]) => [name, grants.held()])),
  };
}
