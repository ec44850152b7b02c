import type { Grants } from './grants.ts';

export interface PrincipalState {
  enabled: boolean;
  groups: Set<string>;
  grants: Grants;
  revoked: Map<string, Set<string>>;
}

export interface PolicyState {
  principals: Map<string, PrincipalState>;
  groups: Map<string, Grants>;
  servers: Map<string, { paused: boolean; scopes: readonly string[] }>;
}
