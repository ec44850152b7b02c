import type { AuthorizationDetail, SigningAlgorithm } from '@credence/protocol';
import type { DenialStatus } from './status.ts';

/** How a user signed in, as far as the subject token says. */
export interface UserAuthentication {
  /** When the user signed in: the claim `auth_time`. */
  readonly authenticatedAt?: Date;
  /** Authentication context class reference. */
  readonly acr?: string;
  /** Authentication methods (RFC 8176). */
  readonly amr?: readonly string[];
}

/**
 * What the user let the client have here, of which an ID-JAG must not be a way out (the draft, on refresh tokens). These
 * scopes are this provider's own, `openid` for one, and those of the request the resource server's, so only a policy
 * knows which of the one ask for which of the other.
 */
export interface RefreshTokenAuthorization {
  /** Those of the token that its grant still has. */
  readonly scopes: readonly string[];
  /** RFC 8707; empty where there are none. */
  readonly resources: readonly string[];
}

/** What a client asks its identity provider for, with the subject token verified. */
export interface IdJagRequest {
  /** Who the subject token stands for here: the subject identifier of a principal, or the `sub` of a user. */
  readonly subject: string;
  /** `'principal'`: the client itself, as a service principal. `'user'`: someone who signed in through this client. */
  readonly subjectKind: 'principal' | 'user';
  /** The `subject_token_type` parameter (RFC 8693 section 2.1). */
  readonly subjectTokenType: string;
  /**
   * Claims of an ID token or a workload JWT; for a refresh token, those an ID token would have now. Empty for the
   * principal's own access token.
   */
  readonly claims: Readonly<Record<string, unknown>>;
  /** For a user. */
  readonly authentication?: UserAuthentication;
  /** For a refresh token: what it was granted here. */
  readonly authorization?: RefreshTokenAuthorization;
  /** The workload a workload JWT is of, at its platform. */
  readonly workload?: { readonly issuer: string; readonly subject?: string };
  /**
   * The principal that acts for the user, where it sent an `actor_token`: always the calling client itself. It becomes
   * the `act` claim.
   */
  readonly actor?: { readonly subject: string; readonly tokenType: string };
  /** The client at this identity provider. */
  readonly clientId: string;
  /** The `audience` parameter: the authorization server. */
  readonly audience: string;
  /** The `resource` parameters; empty where there are none. */
  readonly resources: readonly string[];
  /** The `scope` parameter; undefined asks for the default grant. */
  readonly scopes: readonly string[] | undefined;
  /** The `authorization_details` parameter (RFC 9396); undefined where there is none. */
  readonly authorizationDetails?: readonly AuthorizationDetail[];
  /** Thumbprint of the key whose proof came along: the ID-JAG will be bound to it. */
  readonly dpopThumbprint?: string;
}

/** What a policy answers: what to issue, or why nothing is. */
export type IdJagDecision = IdJagGrant | IdJagDenial;

/** What to issue. Whatever it says, the client gets no scope and no resource that it did not ask for where it asked for some. */
export interface IdJagGrant {
  /** Tells a grant from a denial. */
  readonly granted: true;
  /** The client's id at that authorization server, which is not the one it has here. */
  readonly clientId: string;
  /**
   * Scopes granted. Only those among the requested ones are issued, where any were requested. Default: the requested
   * ones.
   */
  readonly scopes?: readonly string[] | undefined;
  /**
   * Default: the requested ones, and where there are none an ID-JAG that is good at all of the authorization server's. Where
   * some were requested, it must be among them. An empty list is a refusal (`invalid_target`).
   */
  readonly resource?: string | readonly string[] | undefined;
  /** Default: the subject of the subject token. A pairwise identifier, for example. */
  readonly subject?: string | undefined;
  /** `act.sub` of the ID-JAG, where there is an actor. Default: the actor's subject. */
  readonly actorSubject?: string | undefined;
  /**
   * Who acted before, in other words than the subject token's own `act` claim, where it has one. It cannot be left out: the
   * user would seem to have come alone. Default: as the subject token says.
   */
  readonly priorAct?: Readonly<Record<string, unknown>> | undefined;
  /**
   * `aud` of the ID-JAG, where clients name the authorization server otherwise than by its issuer. Default: as
   * requested.
   */
  readonly audience?: string | undefined;
  /** How long the ID-JAG is good, in seconds. Default: `lifetimeSeconds` of `addIdJagExchange`. */
  readonly lifetimeSeconds?: number | undefined;
  /** A ceiling for either, in seconds. Default: none. */
  readonly maxLifetimeSeconds?: number | undefined;
  /** Default: that of the first signing key. */
  readonly algorithm?: SigningAlgorithm | undefined;
  /** The `authorization_details` granted (RFC 9396). Default: none. */
  readonly authorizationDetails?: readonly AuthorizationDetail[] | undefined;
  /**
   * Further claims (`email`, `groups`, `tenant`, `auth_time`...). Those the protocol defines for itself are not
   * overridden.
   */
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
  /** For the audit record: why so, or what was left out. Never sent to the client. */
  readonly reason?: string | undefined;
}

/**
 * Why nothing is issued. `maxAgeSeconds` and `acrValues` are sent as `max_age` and `acr_values` with the error
 * `insufficient_user_authentication` (RFC 9470), and with no other.
 */
export interface IdJagDenial {
  /** Tells a denial from a grant. */
  readonly granted: false;
  /** The OAuth error that the client is answered. */
  readonly error:
    | 'access_denied'
    | 'invalid_target'
    | 'invalid_scope'
    | 'invalid_grant'
    | 'unauthorized_client'
    | 'insufficient_user_authentication'
    | (string & {});
  /** For the audit record: what an administrator would have to change. Never sent to the client. */
  readonly reason: string;
  /** For the audit record. Default: `'denied_by_policy'`. */
  readonly status?: DenialStatus | (string & {}) | undefined;
  /** Sent to the client. Default: a sentence that gives nothing away. */
  readonly description?: string | undefined;
  /** The most seconds that may have passed since the user signed in. */
  readonly maxAgeSeconds?: number | undefined;
  /** Any one of these authentication contexts will do; in order of preference. */
  readonly acrValues?: readonly string[] | undefined;
}

/**
 * Decides a request. A decision that is not what these types say grants nothing (`server_error`), and the audit record
 * names the member that is wrong.
 */
export type IdJagPolicy = (request: IdJagRequest) => IdJagDecision | Promise<IdJagDecision>;
