import type { IdJagRequest } from '../issue/policy.ts';
import type { DenialFacts } from './denial-facts.ts';
import { findUser, heldAt, type PolicyState } from './state.ts';
import { targetName } from './target.ts';

/** Collects from the policy table the facts that `explainDenials` gets. */
export function collectDenialFacts(
  state: PolicyState,
  request: IdJagRequest,
  furtherGroups: readonly string[],
): DenialFacts {
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
