import type { VerifyIdJagOptions } from '../id-jag/verify.ts';
import { mayFetchConfigured } from '../keys/fetch-json.ts';
import type { IdJag } from '../id-jag/types.ts';
import type { RedeemAuditRecord } from './audit.ts';

/** A resource server that this authorization server issues tokens for. */
export interface ResourceOptions {
  /** Every scope it knows. */
  readonly scopes: readonly string[];
  /** What an ID-JAG without a `scope` claim gets, where the request names no scope. Default: nothing, it is refused. */
  readonly defaultScopes?: readonly string[] | undefined;
  /**
   * `'opaque'` (default): revocable and introspectable at the provider's endpoints. `'jwt'`: RFC 9068, verified
   * without asking the authorization server, and valid until it expires whatever happens: the provider neither
   * revokes nor introspects it.
   */
  readonly accessTokenFormat?: 'opaque' | 'jwt' | undefined;
  /** Default: 300. */
  readonly accessTokenLifetimeSeconds?: number | undefined;
  /** For `'jwt'`: the algorithm, of a key in the provider's `jwks`. Default: the provider's default (RS256). */
  readonly accessTokenAlgorithm?: 'RS256' | 'PS256' | 'ES256' | 'EdDSA' | 'Ed25519' | undefined;
}

export interface RedeemIdJagOptions extends Pick<
  VerifyIdJagOptions,
  'issuers' | 'replay' | 'clockToleranceSeconds' | 'maxLifetimeSeconds' | 'now' | 'fetch'
> {
  /** By resource identifier (RFC 8707), exactly as the resource server's metadata says it. */
  readonly resources: Readonly<Record<string, ResourceOptions>>;
  /** A further ceiling for this subject here, for example by its groups. May throw GrantRefusal. */
  readonly scopesFor?: ((idJag: IdJag, resource: string) => readonly string[] | Promise<readonly string[]>) | undefined;
  /**
   * The account here that the subject is; undefined refuses it. Default: `iss#sub`, which no other issuer's subject
   * can have.
   */
  readonly account?: ((idJag: IdJag) => string | undefined | Promise<string | undefined>) | undefined;
  /**
   * Refuse ID-JAGs without a `resource` claim. Default: false, the request's parameter or the only resource is taken.
   */
  readonly requireResource?: boolean | undefined;
  /** Accept clients that do not authenticate. Default: false. */
  readonly allowPublicClients?: boolean | undefined;
  /** Called once for every request of the grant, before it is answered. Where it throws, nothing is granted. */
  readonly audit?: ((record: RedeemAuditRecord) => void) | undefined;
}

export const DEFAULT_ACCESS_TOKEN_LIFETIME_SECONDS = 300;

/** Throws a TypeError for options that cannot be meant. */
export function checkRedeemOptions(options: RedeemIdJagOptions, ownIssuer: string): void {
  if (Object.keys(options.issuers).length === 0) throw new TypeError('redeemIdJag: issuers is empty');
  if (Object.hasOwn(options.issuers, ownIssuer)) {
    // The draft: an IdP must not issue access tokens for an ID-JAG it issued itself.
    throw new TypeError('redeemIdJag: the provider cannot be a trusted issuer of itself');
  }
  for (const [issuer, { jwks, jwksUri }] of Object.entries(options.issuers)) {
    if (jwks === undefined && !mayFetchConfigured(jwksUri ?? issuer)) {
      throw new TypeError(`redeemIdJag: the keys of ${issuer} cannot be fetched, it is neither https nor on loopback`);
    }
  }
  const resources = Object.entries(options.resources);
  if (resources.length === 0) throw new TypeError('redeemIdJag: resources is empty');
  for (const [resource, { scopes, defaultScopes, accessTokenLifetimeSeconds: lifetime }] of resources) {
    if (!URL.canParse(resource) || resource.includes('#')) {
      throw new TypeError(`redeemIdJag: the resource ${resource} is not an absolute URI without a fragment`);
    }
    if (lifetime !== undefined && (!Number.isSafeInteger(lifetime) || lifetime <= 0)) {
      throw new TypeError(`redeemIdJag: accessTokenLifetimeSeconds of ${resource} is not a positive integer`);
    }
    if (defaultScopes?.some((scope) => !scopes.includes(scope)) === true) {
      throw new TypeError(`redeemIdJag: defaultScopes of ${resource} has a scope that its scopes do not have`);
    }
  }
}
