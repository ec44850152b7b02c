import { GrantRefusal } from '@credence/authorization-server';
import type { IdJagGrant, IdJagRequest } from './policy.ts';

/** What an ID-JAG will say, after the policy's grant has been held against the request. */
export interface IdJagTerms {
  readonly subject: string;
  readonly audience: string;
  readonly clientId: string;
  readonly resources: readonly string[];
  readonly scopes: readonly string[] | undefined;
  readonly lifetimeSeconds: number;
}

/** However generous the policy, the client gets nothing it did not ask for. */
export function settleTerms(
  request: IdJagRequest,
  grant: IdJagGrant,
  defaults: { lifetimeSeconds: number; issuer: string },
): IdJagTerms {
  const wanted = grant.lifetimeSeconds ?? defaults.lifetimeSeconds;
  const ceiling = grant.maxLifetimeSeconds ?? wanted;
  const audience = grant.audience ?? request.audience;
  if (audience === defaults.issuer) {
    // The draft: an IdP must not issue access tokens for an ID-JAG it issued itself.
    throw new GrantRefusal('invalid_target', 'this provider does not redeem its own ID-JAGs');
  }
  return {
    subject: grant.subject ?? request.subject,
    audience,
    clientId: grant.clientId,
    resources: settleResources(request.resources, grant.resource),
    scopes: settleScopes(request.scopes, grant.scopes),
    lifetimeSeconds: Math.min(wanted, ceiling),
  };
}

function settleResources(requested: readonly string[], granted: IdJagGrant['resource']): readonly string[] {
  if (granted === undefined) return requested;
  const list = typeof granted === 'string' ? [granted] : granted;
  // An ID-JAG that names no resource is good at all of them.
  if (list.length === 0) {
    throw new GrantRefusal('invalid_target', 'the resource cannot be granted', 'the policy grants no resource');
  }
  if (requested.length > 0 && !list.every((resource) => requested.includes(resource))) {
    throw new GrantRefusal(
      'invalid_target',
      'the resource cannot be granted',
      'the policy granted a resource that was not requested',
    );
  }
  return list;
}

function settleScopes(
  requested: readonly string[] | undefined,
  granted: readonly string[] | undefined,
): readonly string[] | undefined {
  if (granted === undefined) return requested;
  const scopes = requested === undefined ? granted : requested.filter((scope) => granted.includes(scope));
  if (scopes.length > 0) return scopes;
  throw new GrantRefusal(
    'invalid_scope',
    'none of the requested scopes is granted',
    requested === undefined ? 'the policy grants no scope' : 'the policy grants none of the requested scopes',
  );
}
