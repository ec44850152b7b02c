import type { AuthorizationDetail, SigningAlgorithm } from '@credence/protocol';
import type { DenialStatus } from './status.ts';

/** How the user signed in, from the claims of the subject token. */
export interface UserAuthentication {
  /** When the user signed in: the claim `auth_time`. */
  readonly authenticatedAt?: Date;
  /** The authentication context class reference: the claim `acr`. */
  readonly acr?: string;
  /** The authentication methods (RFC 8176): the claim `amr`. */
  readonly amr?: readonly string[];
}

/**
 * The scopes and resources that the user consented to for this client. By the ID-JAG draft, an ID-JAG that is issued for a
 * refresh token must not exceed this consent. If the refresh token has resources (RFC 8707), the resources and scopes of the
 * ID-JAG are limited to those of the refresh token, whatever the policy grants. Otherwise it has only scopes of this provider,
 * such as `openid`, and the request has scopes of the resource server: only the policy can know which of them correspond.
 */
export interface RefreshTokenAuthorization {
  /** The scopes of the refresh token that its grant still contains. */
  readonly scopes: readonly string[];
  /** The resources (RFC 8707) of the refresh token. Empty if it has none. */
  readonly resources: readonly string[];
  /** The scopes among `scopes` that are for `resources`. */
  readonly resourceScopes: readonly string[];
}

/** A request for an ID-JAG, after the subject token has been verified. */
export interface IdJagRequest {
  /** The subject of the subject token: the subject identifier of a principal, or the `sub` of a user. */
  readonly subject: string;
  /** `'principal'`: the client itself, as a service principal. `'user'`: a user who signed in through this client. */
  readonly subjectKind: 'principal' | 'user';
  /** The `subject_token_type` parameter (RFC 8693 section 2.1). */
  readonly subjectTokenType: string;
  /**
   * The claims of an ID token or a workload JWT. For a refresh token: the claims that an ID token issued now would have. Empty
   * for the principal's own access token.
   */
  readonly claims: Readonly<Record<string, unknown>>;
  /** How the user signed in. Only for a user. */
  readonly authentication?: UserAuthentication;
  /** The scopes and resources of the refresh token. Only for a refresh token. */
  readonly authorization?: RefreshTokenAuthorization;
  /** The platform and the `sub` of a workload JWT. Only for a workload JWT. */
  readonly workload?: { readonly issuer: string; readonly subject?: string };
  /**
   * The principal that acts for the user: always the requesting client itself. The actor becomes the `act` claim. Absent if
   * the request has no `actor_token`, unless `actorFromClient` is set. `tokenType` is then absent.
   */
  readonly actor?: { readonly subject: string; readonly tokenType?: string };
  /** The client id at this identity provider. */
  readonly clientId: string;
  /** The `audience` parameter: the authorization server for which the ID-JAG is requested. */
  readonly audience: string;
  /** The `resource` parameters. Empty if the request has none. */
  readonly resources: readonly string[];
  /** The scopes of the `scope` parameter. Undefined if the request has none: it then requests the default scopes. */
  readonly scopes: readonly string[] | undefined;
  /** The `authorization_details` parameter (RFC 9396). Undefined if the request has none. */
  readonly authorizationDetails?: readonly AuthorizationDetail[];
  /** Thumbprint of the key of the request's DPoP proof. The ID-JAG is bound to this key. */
  readonly dpopThumbprint?: string;
}

/** The decision of a policy: a grant or a denial. */
export type IdJagDecision = IdJagGrant | IdJagDenial;

/** A grant. If the request names scopes or resources, the client gets only those of them that the grant contains. */
export interface IdJagGrant {
  /** `true` marks a grant. */
  readonly granted: true;
  /** The client id at the authorization server. This client id usually differs from the client id at this identity provider. */
  readonly clientId: string;
  /**
   * The granted scopes. If the request names scopes, only the granted scopes among them are issued. Default: the requested
   * scopes.
   */
  readonly scopes?: readonly string[] | undefined;
  /**
   * The granted resources. If the request names resources, these must be among them. Default: the requested resources; if there
   * are none, the ID-JAG has no resource and is valid for all resources of the authorization server. An empty list refuses the
   * request (`invalid_target`).
   */
  readonly resource?: string | readonly string[] | undefined;
  /** The `sub` of the ID-JAG, a pairwise identifier for example. Default: the subject of the subject token. */
  readonly subject?: string | undefined;
  /** The `act.sub` of the ID-JAG, if the request has an actor. Default: the actor's subject. */
  readonly actorSubject?: string | undefined;
  /**
   * Replaces the subject token's `act` claim (the earlier actors), with pseudonyms for example. The policy cannot remove
   * the claim, because the ID-JAG would then hide that a principal acts for the user. Ignored if the subject token has no
   * `act` claim. Default: the `act` claim of the subject token.
   */
  readonly priorAct?: Readonly<Record<string, unknown>> | undefined;
  /**
   * The `aud` of the ID-JAG: the issuer of the authorization server, if clients send another `audience` for it. Default: the
   * requested `audience`.
   */
  readonly audience?: string | undefined;
  /** Lifetime of the ID-JAG, in seconds. Default: `lifetimeSeconds` of `addIdJagExchange`. */
  readonly lifetimeSeconds?: number | undefined;
  /** Upper limit for the lifetime, in seconds, whether or not the grant sets the lifetime. Default: none. */
  readonly maxLifetimeSeconds?: number | undefined;
  /** The signature algorithm. Default: that of the first signing key. */
  readonly algorithm?: SigningAlgorithm | undefined;
  /** The granted `authorization_details` (RFC 9396). Default: none. */
  readonly authorizationDetails?: readonly AuthorizationDetail[] | undefined;
  /**
   * Further claims (`email`, `groups`, `tenant`, `auth_time`...). These claims do not override the claims that the protocol sets.
   */
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
  /** Reason for the audit record, for example which scopes are not granted. Never sent to the client. */
  readonly reason?: string | undefined;
}

/**
 * A denial. `maxAgeSeconds` and `acrValues` are sent as `max_age` and `acr_values`, only with the error
 * `insufficient_user_authentication` (RFC 9470).
 */
export interface IdJagDenial {
  /** `false` marks a denial. */
  readonly granted: false;
  /** The OAuth error code that is sent to the client. */
  readonly error:
    | 'access_denied'
    | 'invalid_target'
    | 'invalid_scope'
    | 'invalid_grant'
    | 'unauthorized_client'
    | 'insufficient_user_authentication'
    | (string & {});
  /** Reason for the audit record, for example what an administrator can change. Never sent to the client. */
  readonly reason: string;
  /** The status for the audit record. Default: `'denied_by_policy'`. */
  readonly status?: DenialStatus | (string & {}) | undefined;
  /** The `error_description` that is sent to the client. Default: a general sentence without details of the policy. */
  readonly description?: string | undefined;
  /** The longest time since the user signed in that the policy accepts, in seconds. */
  readonly maxAgeSeconds?: number | undefined;
  /** The authentication contexts that the policy accepts, in order of preference. */
  readonly acrValues?: readonly string[] | undefined;
}

/**
 * Decides a request. If the returned decision does not match these types, the request is refused (`server_error`), and the audit
 * record names the invalid member.
 */
export type IdJagPolicy = (request: IdJagRequest) => IdJagDecision | Promise<IdJagDecision>;
