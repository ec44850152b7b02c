import { GrantRefusal } from '@credence/authorization-server';
import type { IdJagGrant, IdJagRequest } from './policy.ts';

/** The values of the ID-JAG's claims, from the policy's grant and the limits of the request. */
export interface IdJagTerms {
  readonly subject: string;
  readonly audience: string;
  readonly clientId: string;
  readonly resources: readonly string[];
  readonly scopes: readonly string[] | undefined;
  readonly lifetimeSeconds: number;
}

/** Limits the policy's grant to the requested scopes and resources. Throws GrantRefusal if nothing is left. */
export function settleTerms(
  request: IdJagRequest,
  grant: IdJagGrant,
  defaults: { lifetimeSeconds: number; issuer: string },
): IdJagTerms {
  const lifetimeSeconds = grant.lifetimeSeconds ?? defaults.lifetimeSeconds;
  const ceiling = grant.maxLifetimeSeconds ?? lifetimeSeconds;
  const audience = grant.audience ?? request.audience;
  if (audience === defaults.issuer) {
    // ID-JAG draft: an IdP must not issue access tokens for its own ID-JAGs
    throw new GrantRefusal('invalid_target', 'this provider does not redeem its own ID-JAGs');
  }
  return {
    subject: grant.subject ?? request.subject,
    audience,
    clientId: grant.clientId,
    resources: settleResources(request.resources, grant.resource),
    scopes: settleScopes(request.scopes, grant.scopes),
    lifetimeSeconds: Math.min(lifetimeSeconds, ceiling),
  };
}

function settleResources(requested: readonly string[], granted: IdJagGrant['resource']): readonly string[] {
  if (granted === undefined) return requested;
  const list = typeof granted === 'string' ? [granted] : granted;
  // an ID-JAG without a resource is valid for all resources of the authorization server
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
