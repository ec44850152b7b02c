import { GrantRefusal } from '@credence/authorization-server';
import { sameResource } from '@credence/protocol';
import type { IdJagExchangeOptions } from './options.ts';
import type { IdJagGrant, IdJagRequest, RefreshTokenAuthorization } from './policy.ts';

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
  defaults: { lifetimeSeconds: number; issuer: string; targets?: IdJagExchangeOptions['targets'] },
): IdJagTerms {
  const lifetimeSeconds = grant.lifetimeSeconds ?? defaults.lifetimeSeconds;
  const ceiling = grant.maxLifetimeSeconds ?? lifetimeSeconds;
  const audience = grant.audience ?? request.audience;
  if (audience === defaults.issuer) {
    // ID-JAG draft: an IdP must not issue access tokens for its own ID-JAGs
    throw new GrantRefusal('invalid_target', 'this provider does not redeem its own ID-JAGs');
  }
  const resources = settleResources(request.resources, grant.resource);
  checkTarget(audience, resources, defaults.targets);
  checkConsent(resources, request.authorization);
  return {
    subject: grant.subject ?? request.subject,
    audience,
    clientId: grant.clientId,
    resources,
    scopes: withinConsent(settleScopes(request.scopes, grant.scopes), request.authorization),
    lifetimeSeconds: Math.min(lifetimeSeconds, ceiling),
  };
}

function settleResources(requested: readonly string[], granted: IdJagGrant['resource']): readonly string[] {
  if (granted === undefined) return distinct(requested);
  const list = distinct(typeof granted === 'string' ? [granted] : granted);
  // an ID-JAG without a resource is valid for all resources of the authorization server
  if (list.length === 0) {
    throw new GrantRefusal('invalid_target', 'the resource cannot be granted', 'the policy grants no resource');
  }
  if (requested.length > 0 && !list.every((resource) => isAmong(resource, requested))) {
    throw new GrantRefusal(
      'invalid_target',
      'the resource cannot be granted',
      'the policy granted a resource that was not requested',
    );
  }
  // the spelling of the request, for clients that compare the response with it as a string
  return list.map((resource) => requested.find((each) => sameResource(each, resource)) ?? resource);
}

/** ID-JAG draft, section 4.3.3: every resource belongs to the authorization server in the audience. */
function checkTarget(audience: string, resources: readonly string[], targets: IdJagExchangeOptions['targets']): void {
  if (targets === undefined) return;
  const served = Object.hasOwn(targets, audience) ? targets[audience] : undefined;
  if (served === undefined) throw targetRefusal(`targets does not contain the audience ${audience}`);
  const foreign = resources.find((resource) => !isAmong(resource, served));
  if (foreign !== undefined) throw targetRefusal(`${foreign} is not a resource of ${audience} in targets`);
}

/** The resources of an ID-JAG stay within those of the refresh token, if the user consented to resources. */
function checkConsent(resources: readonly string[], consent: RefreshTokenAuthorization | undefined): void {
  if (consent === undefined || consent.resources.length === 0) return;
  if (resources.length === 0) throw targetRefusal('the ID-JAG needs a resource, because the refresh token has some');
  const other = resources.find((resource) => !isAmong(resource, consent.resources));
  if (other !== undefined) throw targetRefusal(`the refresh token is not for ${other}`);
}

/** The scopes of an ID-JAG stay within those of the refresh token, if the user consented to scopes of a resource. */
function withinConsent(
  scopes: readonly string[] | undefined,
  consent: RefreshTokenAuthorization | undefined,
): readonly string[] | undefined {
  if (consent === undefined || consent.resources.length === 0) return scopes;
  const allowed = scopes?.filter((scope) => consent.scopes.includes(scope)) ?? consent.resourceScopes;
  if (allowed.length > 0) return allowed;
  throw new GrantRefusal(
    'invalid_scope',
    'none of the requested scopes is granted',
    'the refresh token has none of the scopes that the policy grants',
  );
}

function targetRefusal(reason: string): GrantRefusal {
  return new GrantRefusal('invalid_target', 'the resource cannot be granted', reason);
}

function isAmong(resource: string, list: readonly string[]): boolean {
  return list.some((each) => sameResource(each, resource));
}

/** The resources, each once (ID-JAG draft, section 3.1). */
function distinct(resources: readonly string[]): readonly string[] {
  return resources.filter((resource, at) => !isAmong(resource, resources.slice(0, at)));
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
