import { sameResource } from '@credence/protocol';
import type { IdJagDenial, IdJagRequest } from '../issue/policy.ts';
import type { PolicyState, ServerState } from './state.ts';

export interface Target {
  readonly name: string;
  readonly server: ServerState;
}

/**
 * Finds the one server that `audience` and `resource` identify. A request for two servers is denied, because the ID-JAG would be
 * valid at both, and the policy is checked for one.
 */
export function findTarget(
  state: PolicyState,
  { audience, resources }: Pick<IdJagRequest, 'audience' | 'resources'>,
): Target | IdJagDenial {
  const candidates = [...state.servers]
    .filter(([, server]) => server.issuer === audience || server.audiences?.includes(audience) === true)
    .map(([name, server]): Target => ({ name, server }));
  if (candidates.length === 0) return notRegistered(`no server is registered for the audience ${audience}`);
  const registered = candidates.map(({ server }) => server.resource).join(' ');
  if (resources.length > 1) return notRegistered('an ID-JAG is for one server, and several resources were requested');
  const [resource] = resources;
  const targets = candidates.filter(({ server }) => resource === undefined || sameResource(server.resource, resource));
  const [target] = targets;
  if (target === undefined) {
    return notRegistered(
      `the target URL ${String(resource)} is not registered for ${audience}; registered: ${registered}`,
    );
  }
  if (targets.length > 1)
    return notRegistered(`${audience} has several servers, and the request names no resource: ${registered}`);
  return target;
}

export function targetName(
  state: PolicyState,
  request: Pick<IdJagRequest, 'audience' | 'resources'>,
): string | undefined {
  const target = findTarget(state, request);
  return 'name' in target ? target.name : undefined;
}

function notRegistered(reason: string): IdJagDenial {
  return { granted: false, status: 'target_not_registered', error: 'invalid_target', reason };
}
