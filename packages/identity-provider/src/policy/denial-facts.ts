import type { IdJagRequest } from '../issue/policy.ts';
import type { HeldScopes } from './grants.ts';
import { findUser, heldAt, type PolicyState } from './state.ts';
import { targetName } from './target.ts';

/** What the table knows about a request that it denies, for `explainDenials`. */
export interface DenialFacts {
  /** The request that is denied. */
  readonly request: IdJagRequest;
  /** The principal of the calling client; undefined where it belongs to none. */
  readonly principal: string | undefined;
  /** The server asked for; undefined where the table has none. */
  readonly server: string | undefined;
  /** The scopes that are enabled at that server. */
  readonly enabledScopes: readonly string[];
  /** What the subject of the request holds there, enabled or not. */
  readonly held: HeldScopes;
}

export function denialFacts(state: PolicyState, request: IdJagRequest, furtherGroups: readonly string[]): DenialFacts {
  const principal = state.principalOfClient.get(request.clientId);
  const who = request.subjectKind === 'principal' ? principal : findUser(state, request.subject, furtherGroups);
  const server = targetName(state, request);
  const known = who !== undefined && server !== undefined;
  return {
    request,
    principal: principal?.name,
    server,
    enabledScopes: [...(state.servers.get(server ?? '')?.enabled ?? [])],
    held: known ? heldAt(state, who, server, furtherGroups) : { default: [], onRequest: [] },
  };
}
