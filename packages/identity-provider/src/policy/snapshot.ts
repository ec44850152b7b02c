import type { HeldScopes } from './held-scopes.ts';
import type { PolicyState, SubjectState } from './state.ts';

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
  readonly groups: string[];
  readonly grants: Record<string, HeldScopes>;
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
