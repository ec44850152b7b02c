import type { ServerGrant } from './grants.ts';
import type { PolicyState, PrincipalState } from './state.ts';

/** What a principal holds at a server: its own grants and those of its groups, less what was taken from it. */
export function effectiveGrant(state: PolicyState, who: PrincipalState, server: string): ServerGrant {
  const revoked = who.revoked.get(server) ?? new Set<string>();
  const sources = [who.grants, ...[...who.groups].flatMap((group) => state.groups.get(group) ?? [])];
  const grants = sources.map((source) => source.at(server));
  const unique = (scopes: string[]) => [...new Set(scopes)].filter((scope) => !revoked.has(scope));
  const byDefault = unique(grants.flatMap((grant) => grant.default));
  const onRequest = unique(grants.flatMap((grant) => grant.onRequest));
  return { default: byDefault, onRequest: onRequest.filter((scope) => !byDefault.includes(scope)) };
}
