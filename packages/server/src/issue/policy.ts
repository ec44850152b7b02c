import type { AuthorizationDetail } from '../id-jag/types.ts';
import type { SigningAlgorithm } from '../keys/signing-keys.ts';

/** What a client asks its identity provider for, with the subject token verified. */
export interface IdJagRequest {
  readonly subject: string;
  /** `'principal'`: the client itself, as a service principal. `'user'`: someone who signed in through this client. */
  readonly subjectKind: 'principal' | 'user';
  readonly subjectTokenType: string;
  /** Claims of an ID token; empty for the principal's own access token. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** The client at this identity provider. */
  readonly clientId: string;
  /** The `audience` parameter: the authorization server. */
  readonly audience: string;
  /** The `resource` parameters; empty where there are none. */
  readonly resources: readonly string[];
  /** The `scope` parameter; undefined asks for the default grant. */
  readonly scopes: readonly string[] | undefined;
  readonly authorizationDetails?: readonly AuthorizationDetail[];
  /** Thumbprint of the key whose proof came along: the ID-JAG will be bound to it. */
  readonly dpopThumbprint?: string;
}

export type IdJagDecision = IdJagGrant | IdJagDenial;

export interface IdJagGrant {
  readonly granted: true;
  /** The client's id at that authorization server, which is not the one it has here. */
  readonly clientId: string;
  /**
   * Scopes granted. Only those among the requested ones are issued, where any were requested. Default: the requested
   * ones.
   */
  readonly scopes?: readonly string[] | undefined;
  /** Default: the requested ones. Where some were requested, it must be among them. */
  readonly resource?: string | readonly string[] | undefined;
  /** Default: the subject of the subject token. A pairwise identifier, for example. */
  readonly subject?: string | undefined;
  /**
   * `aud` of the ID-JAG, where clients name the authorization server otherwise than by its issuer. Default: as
   * requested.
   */
  readonly audience?: string | undefined;
  readonly lifetimeSeconds?: number | undefined;
  readonly algorithm?: SigningAlgorithm | undefined;
  readonly authorizationDetails?: readonly AuthorizationDetail[] | undefined;
  /**
   * Further claims (`email`, `groups`, `tenant`, `act`...). Those the protocol defines for itself are not overridden.
   */
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
}

export interface IdJagDenial {
  readonly granted: false;
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
  /** Sent to the client. Default: a sentence that gives nothing away. */
  readonly description?: string | undefined;
}

export type IdJagPolicy = (request: IdJagRequest) => IdJagDecision | Promise<IdJagDecision>;
