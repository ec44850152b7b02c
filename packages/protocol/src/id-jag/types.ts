import type { JSONWebKeySet } from 'jose';

/**
 * An identity provider whose ID-JAGs are accepted. With neither `jwks` nor `jwksUri` its metadata is discovered
 * (RFC 8414, then OpenID Connect Discovery).
 */
export interface TrustedIssuer {
  /** The key set itself, for an IdP whose keys are exchanged by hand. Nothing is fetched. */
  readonly jwks?: JSONWebKeySet | undefined;
  /** Where the key set is; https, or http on loopback. */
  readonly jwksUri?: string | undefined;
  /**
   * JWS algorithms accepted from this issuer; default: every asymmetric one in common use. Symmetric ones never are.
   */
  readonly algorithms?: readonly string[] | undefined;
  /**
   * The tenants of a multi-tenant issuer that are accepted: its ID-JAGs must then have a `tenant` claim, and one of
   * these. `'any'` accepts every tenant the issuer has, present and future. Default: the issuer has one tenant, and an
   * ID-JAG that names one is refused, because without a list anybody's tenant of the same issuer would do.
   */
  readonly tenants?: readonly string[] | 'any' | undefined;
  /**
   * For a multi-tenant authorization server: those of its tenants that this issuer may grant access to. `aud_tenant` is
   * then required and must be one of them. Default: there are no tenants here, and an ID-JAG that names one is refused;
   * with `tenantOfClient` there are, so every issuer has a list.
   */
  readonly audienceTenants?: readonly string[] | undefined;
  /** Where this issuer's claims are, for those whose names differ from one IdP to the next. */
  readonly claims?: ClaimMapping | undefined;
  /** Lets this issuer's verified email addresses find accounts (`verifiedEmail` of the IdJag). Default: they do not. */
  readonly linkByEmail?: EmailLinking | undefined;
}

/** A claim's name, or the path to it: `['realm_access', 'roles']`. */
export type ClaimPath = string | readonly string[];

/** Where in an issuer's ID-JAGs the claims are whose names differ from one IdP to the next. */
export interface ClaimMapping {
  /** Default: `groups`. A list of strings. */
  readonly groups?: ClaimPath | undefined;
  /** Default: `roles`. A list of strings. */
  readonly roles?: ClaimPath | undefined;
  /** Default: `email`. */
  readonly email?: ClaimPath | undefined;
  /** Default: `email_verified`. */
  readonly emailVerified?: ClaimPath | undefined;
}

/** Which of an issuer's addresses are good enough to find an account by. */
export interface EmailLinking {
  /**
   * The domains that this issuer speaks for, subdomains not included: it cannot vouch for anybody else's addresses. Where
   * it has several `tenants`, those of each tenant: `{ acme: ['acme.example'] }`, or one tenant's administrator could
   * claim the addresses of another's people.
   */
  readonly domains: readonly string[] | Readonly<Record<string, readonly string[]>>;
  /** For an issuer that sends no `email_verified` and has verified every address of these domains. Default: false. */
  readonly withoutEmailVerified?: boolean | undefined;
}

/** A verified ID-JAG (draft-ietf-oauth-identity-assertion-authz-grant). */
export interface IdJag {
  /** The claim `iss`: the identity provider that issued it. */
  readonly issuer: string;
  /** The claim `sub`: the principal or user, unique at the issuer or, where there is one, in its tenant. */
  readonly subject: string;
  /** The claim `aud`: the issuer identifier of this authorization server. */
  readonly audience: string;
  /** The client's id at this authorization server; equal to the authenticated client's. */
  readonly clientId: string;
  /** The claim `jti`, by which it is recognised when it is used again. */
  readonly jwtId: string;
  /** The claim `iat`. */
  readonly issuedAt: Date;
  /** The claim `exp`. */
  readonly expiresAt: Date;
  /** The `resource` claim as a list; empty where the claim is absent. */
  readonly resources: readonly string[];
  /** The `scope` claim as a list; undefined where the claim is absent, which is not the same as granting everything. */
  readonly scopes: readonly string[] | undefined;
  /** The claim `authorization_details` (RFC 9396); undefined where it is absent. */
  readonly authorizationDetails?: readonly AuthorizationDetail[] | undefined;
  /** The `act` claim (RFC 8693 section 4.1). */
  readonly actor?: Readonly<Record<string, unknown>> | undefined;
  /** The issuer's tenant. `iss`, `tenant` and `sub` together name the subject. */
  readonly tenant?: string | undefined;
  /** The tenant of this authorization server (`aud_tenant`). */
  readonly audienceTenant?: string | undefined;
  /** The subject's identifier at this authorization server, as the issuer knows it (`aud_sub`). */
  readonly audienceSubject?: string | undefined;
  /** Empty where the claim is absent. */
  readonly groups: readonly string[];
  /** Empty where the claim is absent. */
  readonly roles: readonly string[];
  /** As the issuer says it; whether it is the subject's is another question: see `verifiedEmail`. */
  readonly email?: string | undefined;
  /** The address, its domain in lower case, where the issuer is trusted with its domain and says that it is verified. */
  readonly verifiedEmail?: string | undefined;
  /** `cnf.jkt` (RFC 9449 section 6.1): only the holder of this key may redeem it. */
  readonly confirmationThumbprint?: string | undefined;
  /** All claims as they were signed. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** RFC 9396 section 2. */
export interface AuthorizationDetail {
  /** The type of access, which defines what the other members mean. */
  readonly type: string;
  /** What the type defines. */
  readonly [member: string]: unknown;
}
