import type { JSONWebKeySet } from 'jose';

/**
 * An identity provider whose ID-JAGs are accepted. Without `jwks` and `jwksUri`, its key set is found by its metadata (RFC
 * 8414, then OpenID Connect Discovery).
 */
export interface TrustedIssuer {
  /** The key set itself, for an IdP whose keys are copied by hand. Nothing is fetched. */
  readonly jwks?: JSONWebKeySet | undefined;
  /** The URL of the key set: https, or http on loopback. */
  readonly jwksUri?: string | undefined;
  /**
   * The JWS algorithms that are accepted from this issuer. Default: every asymmetric algorithm in common use. A symmetric
algorithm is never accepted.
   */
  readonly algorithms?: readonly string[] | undefined;
  /**
   * The accepted tenants of a multi-tenant issuer. If set, each of its ID-JAGs must have a `tenant` claim that is in this
   * list. `'any'` accepts every present and future tenant of the issuer. Default: the issuer has one tenant, and an ID-JAG
   * with a `tenant` claim is refused, because otherwise any tenant of the same issuer would be accepted.
   */
  readonly tenants?: readonly string[] | 'any' | undefined;
  /**
   * For a multi-tenant authorization server: its tenants that this issuer may grant access to. If set, each ID-JAG must
   * have an `aud_tenant` claim that is in this list. Default: this server has no tenants, and an ID-JAG with an
   * `aud_tenant` claim is refused. Required for each issuer if `tenantOfClient` is set.
   */
  readonly audienceTenants?: readonly string[] | undefined;
  /** The names of this issuer's claims for groups, roles and email, if they differ from the defaults. */
  readonly claims?: ClaimMapping | undefined;
  /** Allows to find accounts by this issuer's verified email addresses (`verifiedEmail` of the IdJag). Default: not allowed. */
  readonly linkByEmail?: EmailLinking | undefined;
}

/** A claim's name, or the path to it: `['realm_access', 'roles']`. */
export type ClaimPath = string | readonly string[];

/** The names of those claims in an issuer's ID-JAGs that have no standard name. */
export interface ClaimMapping {
  /** The claim with the subject's groups, a list of strings. Default: `groups`. */
  readonly groups?: ClaimPath | undefined;
  /** The claim with the subject's roles, a list of strings. Default: `roles`. */
  readonly roles?: ClaimPath | undefined;
  /** The claim with the subject's email address. Default: `email`. */
  readonly email?: ClaimPath | undefined;
  /** The claim that tells whether the email address is verified, a boolean. Default: `email_verified`. */
  readonly emailVerified?: ClaimPath | undefined;
}

/** Which of an issuer's email addresses may be used to find an account. */
export interface EmailLinking {
  /**
   * The email domains that belong to this issuer's organisation, without their subdomains. Addresses of other domains are
   * ignored. For an issuer with several `tenants`, the domains of each tenant: `{ acme: ['acme.example'] }`. Otherwise one
   * tenant's administrator could claim the addresses of another tenant.
   */
  readonly domains: readonly string[] | Readonly<Record<string, readonly string[]>>;
  /** True for an issuer that sends no `email_verified` and has verified every address of these domains. Default: false. */
  readonly withoutEmailVerified?: boolean | undefined;
}

/** A verified ID-JAG (draft-ietf-oauth-identity-assertion-authz-grant). */
export interface IdJag {
  /** The claim `iss`: the identity provider that issued it. */
  readonly issuer: string;
  /** The claim `sub`: the principal or user. Unique at the issuer, or in the tenant if there is a `tenant`. */
  readonly subject: string;
  /** The claim `aud`: the issuer identifier of this authorization server. */
  readonly audience: string;
  /** The client's id at this authorization server; equal to the authenticated client's. */
  readonly clientId: string;
  /** The claim `jti`, which identifies the ID-JAG when it is used again. */
  readonly jwtId: string;
  /** The claim `iat`. */
  readonly issuedAt: Date;
  /** The claim `exp`. */
  readonly expiresAt: Date;
  /** The `resource` claim as a list; empty if the claim is absent. */
  readonly resources: readonly string[];
  /** The `scope` claim as a list. Undefined if the claim is absent, which does not mean that every scope is granted. */
  readonly scopes: readonly string[] | undefined;
  /** The claim `authorization_details` (RFC 9396); undefined if it is absent. */
  readonly authorizationDetails?: readonly AuthorizationDetail[] | undefined;
  /** The `act` claim (RFC 8693 section 4.1). */
  readonly actor?: Readonly<Record<string, unknown>> | undefined;
  /** The claim `tenant`: a tenant of the issuer. `iss`, `tenant` and `sub` together identify the subject. */
  readonly tenant?: string | undefined;
  /** The tenant of this authorization server (`aud_tenant`). */
  readonly audienceTenant?: string | undefined;
  /** The subject's identifier at this authorization server, as the issuer knows it (`aud_sub`). */
  readonly audienceSubject?: string | undefined;
  /** The subject's groups; empty if the claim is absent. */
  readonly groups: readonly string[];
  /** The subject's roles; empty if the claim is absent. */
  readonly roles: readonly string[];
  /**
   * The email address in the claim. This address is not necessarily the subject's address: use `verifiedEmail` to find
   * an account.
   */
  readonly email?: string | undefined;
  /** The email address, with its domain in lower case, if it is verified and `linkByEmail` lists its domain. */
  readonly verifiedEmail?: string | undefined;
  /** `cnf.jkt` (RFC 9449 section 6.1): only the holder of this key may redeem the ID-JAG. */
  readonly confirmationThumbprint?: string | undefined;
  /** All claims, as they were signed. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** RFC 9396 section 2. */
export interface AuthorizationDetail {
  /** The type of access, which defines what the other members mean. */
  readonly type: string;
  /** A member that the type defines. */
  readonly [member: string]: unknown;
}
