import {
  type AuthorizationDetail,
  type Awaitable,
  callback,
  checkedElsewhere,
  flag,
  type IdJag,
  isAbsoluteUri,
  normalResource,
  scope,
} from '@credence/protocol';
import { z } from 'zod';
import { checkIdJagOptions, type VerifyIdJagOptions } from '../id-jag/options.ts';
import { checkAudienceTenants } from '../id-jag/trusted-issuers.ts';
import type { GrantUse, LinkedAccount } from './accounts.ts';
import type { RedeemAuditRecord } from './audit.ts';
import { checkScopeRules, type ScopeRule } from './scope-rules.ts';

/** A resource server that this authorization server issues access tokens for. */
export interface ResourceRules {
  /** Every scope that the resource server knows. */
  readonly scopes: readonly string[];
  /** The scopes that are granted if neither the ID-JAG nor the request has a scope. Default: the request is refused. */
  readonly defaultScopes?: readonly string[] | undefined;
  /**
   * The types of `authorization_details` that the resource server knows (RFC 9396 section 2). Details of other types, and
   * details whose `locations` do not contain this resource, are not granted. Default: none.
   */
  readonly authorizationDetailsTypes?: readonly string[] | undefined;
  /** The lifetime of its access tokens, in seconds. Default: 300. */
  readonly accessTokenLifetimeSeconds?: number | undefined;
  /** True to refuse requests without a DPoP proof (RFC 9449). Default: false. */
  readonly requireDpop?: boolean | undefined;
}

/** A resource server, and the format of the access tokens that an oidc-provider issues for it. */
export interface ResourceOptions extends ResourceRules {
  /**
   * `'opaque'` (default): the provider can revoke and introspect the token. `'jwt'`: a JWT (RFC 9068), which a resource
   * server verifies without a request to the authorization server. The provider cannot revoke or introspect it, so it is
   * valid until it expires.
   */
  readonly accessTokenFormat?: 'opaque' | 'jwt' | undefined;
  /**
   * For `'jwt'`: the signature algorithm, which a key in the provider's `jwks` must have. Default:
   * `id_token_signed_response_alg` of the provider's `clientDefaults`, or else RS256.
   */
  readonly accessTokenAlgorithm?: 'RS256' | 'PS256' | 'ES256' | 'EdDSA' | 'Ed25519' | undefined;
}

/** The rules for ID-JAGs, which are the same for an oidc-provider and for any other authorization server. */
export interface RedemptionRules<Resource extends ResourceRules = ResourceRules> extends Pick<
  VerifyIdJagOptions,
  'issuers' | 'replay' | 'clockToleranceSeconds' | 'maxLifetimeSeconds' | 'now' | 'fetch'
> {
  /** The resource servers, by resource identifier (RFC 8707), as it is in the resource server's metadata. */
  readonly resources: Readonly<Record<string, Resource>>;
  /**
   * The scopes that a subject may have at most, by its groups, roles and claims: a table of {@link ScopeRule}, or a function
   * that returns a list of scopes. The function may throw GrantRefusal. If it returns anything else, the request is refused
   * with `server_error`. Default: no further limit.
   */
  readonly scopesFor?:
    readonly ScopeRule[] | ((idJag: IdJag, resource: string) => Awaitable<readonly string[]>) | undefined;
  /**
   * Returns the account of the subject at this server. Undefined or null refuses the request. See `linkAccounts`. Default:
   * `iss#sub`, or with tenants `iss?tenant=...&aud_tenant=...#sub`, which is unique for issuer, tenants and subject.
   */
  readonly account?:
    ((idJag: IdJag, use: GrantUse) => Awaitable<string | LinkedAccount | null | undefined>) | undefined;
  /**
   * Restricts the `authorization_details` that are granted. The function gets those that the resource knows, and returns
   * the list to grant, which may only contain types that it was given. May throw GrantRefusal. Default: all of them are
   * granted.
   */
  readonly authorizationDetailsFor?:
    | ((
        details: readonly AuthorizationDetail[],
        idJag: IdJag,
        resource: string,
      ) => Awaitable<readonly AuthorizationDetail[]>)
    | undefined;
  /**
   * Returns claims to add to the access token, besides those of RFC 9068 section 2.2, which describe the caller to the
   * resource server. Default: `act`, `groups`, `roles`, `tenant` and `aud_tenant` of the ID-JAG, if it has them.
   */
  readonly tokenClaims?: ((idJag: IdJag, resource: string) => Awaitable<Record<string, unknown>>) | undefined;
  /**
   * For a multi-tenant authorization server: returns the tenant that a client belongs to. The ID-JAG's `aud_tenant` must
   * equal it. Undefined or null means that the client belongs to no tenant, and the request is refused. May throw
   * GrantRefusal.
   */
  readonly tenantOfClient?: ((clientId: string) => Awaitable<string | null | undefined>) | undefined;
  /**
   * True to refuse ID-JAGs without a `resource` claim, with `invalid_grant`. Default: false; the resource is then the request's `resource`
   * parameter, or the only one in `resources`.
   */
  readonly requireResource?: boolean | undefined;
  /** True to accept clients that do not authenticate. Default: false. */
  readonly allowPublicClients?: boolean | undefined;
  /**
   * Called once for each request of the grant. The response waits for it, for at most ten seconds. If it throws, rejects or
   * takes longer, a request that would be granted is refused with `server_error`, and `audit` is called for this refusal. A
   * refusal does not change.
   */
  readonly audit?: ((record: RedeemAuditRecord) => void) | ((record: RedeemAuditRecord) => Promise<void>) | undefined;
}

/** The rules for ID-JAGs, for an oidc-provider that issues the access tokens. */
export type IdJagGrantOptions = RedemptionRules<ResourceOptions>;

export const DEFAULT_ACCESS_TOKEN_LIFETIME_SECONDS = 300;

const scopes = z.array(scope);
const resourceRules = z.strictObject({
  scopes,
  defaultScopes: scopes.optional(),
  authorizationDetailsTypes: z.array(z.string().min(1)).optional(),
  accessTokenLifetimeSeconds: z.int().positive().optional(),
  requireDpop: flag,
});
const resourceOptions = resourceRules.extend({
  accessTokenFormat: z.enum(['opaque', 'jwt']).optional(),
  accessTokenAlgorithm: z.enum(['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519']).optional(),
});
const byResource = (each: z.ZodType) =>
  z.record(z.string(), each).refine((resources) => Object.keys(resources).length > 0, 'is empty');

/** The shape of {@link RedemptionRules}. */
export const redemptionRulesSchema = z.strictObject({
  issuers: checkedElsewhere,
  replay: checkedElsewhere,
  clockToleranceSeconds: checkedElsewhere,
  maxLifetimeSeconds: checkedElsewhere,
  now: callback.optional(),
  fetch: callback.optional(),
  resources: byResource(resourceRules),
  scopesFor: z.union([z.array(z.unknown()), callback.optional()], 'is neither a table nor a function'),
  account: callback.optional(),
  authorizationDetailsFor: callback.optional(),
  tokenClaims: callback.optional(),
  tenantOfClient: callback.optional(),
  requireResource: flag,
  allowPublicClients: flag,
  audit: callback.optional(),
});
/** The shape of {@link IdJagGrantOptions}. */
export const idJagGrantSchema = redemptionRulesSchema.extend({ resources: byResource(resourceOptions) });

/** Throws a TypeError that begins with `where` for rules that match the schema and are invalid for another reason. */
export function checkRedemptionRules(where: string, rules: RedemptionRules, ownIssuer: string): void {
  checkIdJagOptions(where, rules, ownIssuer);
  if (rules.tenantOfClient !== undefined) checkAudienceTenants(where, rules.issuers);
  if (typeof rules.scopesFor === 'object') checkScopeRules(where, rules.scopesFor, rules);
  const seen = new Map<string | undefined, string>();
  for (const [resource, { scopes: known, defaultScopes = [] }] of Object.entries(rules.resources)) {
    if (!isAbsoluteUri(resource)) {
      throw new TypeError(`${where}: the resource ${resource} is not an absolute URI without a fragment`);
    }
    const other = seen.get(normalResource(resource));
    if (other !== undefined) throw new TypeError(`${where}: the resources ${other} and ${resource} are the same`);
    seen.set(normalResource(resource), resource);
    const unknown = defaultScopes.find((each) => !known.includes(each));
    if (unknown !== undefined) {
      throw new TypeError(`${where}: defaultScopes of ${resource} contains ${unknown}, which is not in its scopes`);
    }
  }
}
