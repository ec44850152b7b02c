import {
  type AuthorizationDetail,
  type Awaitable,
  callback,
  flag,
  type IdJag,
  isAbsoluteUri,
  scope,
  unchecked,
} from '@credence/protocol';
import { z } from 'zod';
import { checkIdJagOptions, type VerifyIdJagOptions } from '../id-jag/options.ts';
import { checkAudienceTenants } from '../id-jag/trusted-issuers.ts';
import type { GrantUse, LinkedAccount } from './accounts.ts';
import type { RedeemAuditRecord } from './audit.ts';
import { checkScopeRules, type ScopeRule } from './scope-rules.ts';

/** A resource server that this authorization server issues tokens for. */
export interface ResourceRules {
  /** Every scope it knows. */
  readonly scopes: readonly string[];
  /** What an ID-JAG without a `scope` claim gets, where the request names no scope. Default: nothing, it is refused. */
  readonly defaultScopes?: readonly string[] | undefined;
  /**
   * The types of `authorization_details` it knows (RFC 9396 section 2). Details of other types, and those whose
   * `locations` do not name it, are not granted. Default: none.
   */
  readonly authorizationDetailsTypes?: readonly string[] | undefined;
  /** How long its access tokens are good, in seconds. Default: 300. */
  readonly accessTokenLifetimeSeconds?: number | undefined;
  /** Refuse requests without a DPoP proof (RFC 9449). Default: false. */
  readonly requireDpop?: boolean | undefined;
}

/** A resource server, and what an oidc-provider's tokens for it are like. */
export interface ResourceOptions extends ResourceRules {
  /**
   * `'opaque'` (default): revocable and introspectable at the provider's endpoints. `'jwt'`: RFC 9068, verified
   * without asking the authorization server, and valid until it expires whatever happens: the provider neither
   * revokes nor introspects it.
   */
  readonly accessTokenFormat?: 'opaque' | 'jwt' | undefined;
  /**
   * For `'jwt'`: the algorithm, of a key in the provider's `jwks`. Default: `id_token_signed_response_alg` of the
   * provider's `clientDefaults`, RS256 where that is not set.
   */
  readonly accessTokenAlgorithm?: 'RS256' | 'PS256' | 'ES256' | 'EdDSA' | 'Ed25519' | undefined;
}

/** What decides about an ID-JAG, whatever the authorization server is made of. */
export interface RedemptionRules<Resource extends ResourceRules = ResourceRules> extends Pick<
  VerifyIdJagOptions,
  'issuers' | 'replay' | 'clockToleranceSeconds' | 'maxLifetimeSeconds' | 'now' | 'fetch'
> {
  /** By resource identifier (RFC 8707), exactly as the resource server's metadata says it. */
  readonly resources: Readonly<Record<string, Resource>>;
  /**
   * A further ceiling for this subject here, by its groups, roles and claims: a function, or a table of
   * {@link ScopeRule}. A function returns a list, empty for nothing, and may throw GrantRefusal; anything else that it
   * returns is answered with `server_error`. Default: no further ceiling.
   */
  readonly scopesFor?:
    readonly ScopeRule[] | ((idJag: IdJag, resource: string) => Awaitable<readonly string[]>) | undefined;
  /**
   * The account here that the subject is; undefined or null refuses it. See `linkAccounts`. Default: `iss#sub`, or with
   * tenants `iss?tenant=...&aud_tenant=...#sub`, which no other issuer's or tenant's subject can have.
   */
  readonly account?:
    ((idJag: IdJag, use: GrantUse) => Awaitable<string | LinkedAccount | null | undefined>) | undefined;
  /**
   * Narrows the `authorization_details` that the resource knows: the list it returns is granted, and may hold no type that
   * it was not given. May throw GrantRefusal. Default: all of them are granted.
   */
  readonly authorizationDetailsFor?:
    | ((
        details: readonly AuthorizationDetail[],
        idJag: IdJag,
        resource: string,
      ) => Awaitable<readonly AuthorizationDetail[]>)
    | undefined;
  /**
   * Claims for the access token beyond those of RFC 9068 section 2.2, for the resource server to know its caller.
   * Default: `act`, `groups`, `roles`, `tenant` and `aud_tenant` of the ID-JAG, where it has them.
   */
  readonly tokenClaims?: ((idJag: IdJag, resource: string) => Awaitable<Record<string, unknown>>) | undefined;
  /**
   * For a multi-tenant authorization server: the tenant a client belongs to, which `aud_tenant` must then name. Undefined or
   * null: the client belongs to none, and redeems nothing. May throw GrantRefusal.
   */
  readonly tenantOfClient?: ((clientId: string) => Awaitable<string | null | undefined>) | undefined;
  /**
   * Refuse ID-JAGs without a `resource` claim. Default: false, the request's parameter or the only resource is taken.
   */
  readonly requireResource?: boolean | undefined;
  /** Accept clients that do not authenticate. Default: false. */
  readonly allowPublicClients?: boolean | undefined;
  /**
   * Called once for every request of the grant, and awaited before it is answered, for ten seconds at most. Where it
   * throws, rejects or takes longer, nothing is granted (`server_error`, which is recorded in its turn); a refusal stays
   * what it is.
   */
  readonly audit?: ((record: RedeemAuditRecord) => void) | ((record: RedeemAuditRecord) => Promise<void>) | undefined;
}

/** The rules for ID-JAGs, where an oidc-provider issues the access tokens. */
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
  issuers: unchecked,
  replay: unchecked,
  clockToleranceSeconds: unchecked,
  maxLifetimeSeconds: unchecked,
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

/** Throws a TypeError that begins with `where`, for rules that are of a right shape and cannot be meant. */
export function checkRedemptionRules(where: string, rules: RedemptionRules, ownIssuer: string): void {
  checkIdJagOptions(where, rules, ownIssuer);
  if (rules.tenantOfClient !== undefined) checkAudienceTenants(where, rules.issuers);
  if (typeof rules.scopesFor === 'object') checkScopeRules(where, rules.scopesFor, rules);
  for (const [resource, { scopes: known, defaultScopes = [] }] of Object.entries(rules.resources)) {
    if (!isAbsoluteUri(resource)) {
      throw new TypeError(`${where}: the resource ${resource} is not an absolute URI without a fragment`);
    }
    const unknown = defaultScopes.find((each) => !known.includes(each));
    if (unknown !== undefined) {
      throw new TypeError(`${where}: defaultScopes of ${resource} has ${unknown}, a scope that its scopes do not have`);
    }
  }
}
