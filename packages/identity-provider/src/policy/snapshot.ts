import type { HeldScopes } from './held-scopes.ts';
import type { PolicyState, SubjectState } from './state.ts';

/** A copy of a policy table at one moment, as plain data. */
export interface PolicyTableSnapshot {
  /** The MCP servers, by name. */
  readonly servers: Readonly<
    Record<string, { paused: boolean; enabledScopes: string[]; clients: Record<string, string> }>
  >;
  /** The service principals, by name. */
  readonly principals: Readonly<Record<string, PolicySubjectSnapshot>>;
  /** The users, by `sub`. */
  readonly users: Readonly<Record<string, PolicySubjectSnapshot>>;
  /** The grants of the members of each group, by group and server. */
  readonly groups: Readonly<Record<string, Record<string, HeldScopes>>>;
}

/** A copy of the row of a principal or a user at one moment. */
export interface PolicySubjectSnapshot {
  /** Whether no ID-JAG is issued to the subject. */
  readonly disabled: boolean;
  /** The subject's groups in the table. */
  readonly groups: string[];
  /** The subject's own grants, by server, without those of its groups. */
  readonly grants: Record<string, HeldScopes>;
  /** Scopes that are withheld from the subject, by server, even if its groups hold them. */
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
