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
}

/** A verified ID-JAG (draft-ietf-oauth-identity-assertion-authz-grant). */
export interface IdJag {
  readonly issuer: string;
  readonly subject: string;
  readonly audience: string;
  /** The client's id at this authorization server; equal to the authenticated client's. */
  readonly clientId: string;
  readonly jwtId: string;
  readonly issuedAt: Date;
  readonly expiresAt: Date;
  /** The `resource` claim as a list; empty where the claim is absent. */
  readonly resources: readonly string[];
  /** The `scope` claim as a list; undefined where the claim is absent, which is not the same as granting everything. */
  readonly scopes: readonly string[] | undefined;
  readonly authorizationDetails?: readonly AuthorizationDetail[];
  /** The `act` claim (RFC 8693 section 4.1). */
  readonly actor?: Readonly<Record<string, unknown>>;
  readonly tenant?: string;
  /** `cnf.jkt` (RFC 9449 section 6.1): only the holder of this key may redeem it. */
  readonly confirmationThumbprint?: string;
  /** All claims as they were signed. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** RFC 9396 section 2. */
export interface AuthorizationDetail {
  readonly type: string;
  readonly [member: string]: unknown;
}
