import type { IdJagDenial, IdJagRequest } from '../issue/policy.ts';
import type { PolicyState, ServerState } from './state.ts';

export interface Target {
  readonly name: string;
  readonly server: ServerState;
}

/**
 * The one server that `audience` and `resource` stand for. For two, an ID-JAG would be good at a server whose policy was
 * not asked.
 */
export function findTarget(
  state: PolicyState,
  { audience, resources }: Pick<IdJagRequest, 'audience' | 'resources'>,
): Target | IdJagDenial {
  const there = [...state.servers]
    .filter(([, server]) => server.issuer === audience || server.audiences?.includes(audience) === true)
    .map(([name, server]): Target => ({ name, server }));
  if (there.length === 0) return notRegistered(`no server is registered for the audience ${audience}`);
  const known = there.map(({ server }) => server.resource).join(' ');
  if (resources.length > 1) return notRegistered('an ID-JAG is for one server, and several resources were requested');
  const [resource] = resources;
  const targets = there.filter(({ server }) => resource === undefined || server.resource === resource);
  const [target] = targets;
  if (target === undefined) {
    return notRegistered(`the target URL ${String(resource)} is not registered for ${audience}; registered: ${known}`);
  }
  if (targets.length > 1) return notRegistered(`${audience} has several servers, and no resource says which: ${known}`);
  return target;
}

export function targetName(
  state: PolicyState,
  asked: Pick<IdJagRequest, 'audience' | 'resources'>,
): string | undefined {
  const target = findTarget(state, asked);
  return 'name' in target ? target.name : undefined;
}

function notRegistered(reason: string): IdJagDenial {
  return { granted: false, status: 'target_not_registered', error: 'invalid_target', reason };
}
