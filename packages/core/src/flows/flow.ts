import type { UserSession } from './user-session.ts';

/** The access token that a flow returns. */
export interface Grant {
  readonly accessToken: string;
  readonly type: 'Bearer' | 'DPoP';
  /** The lifetime from now, in seconds. Undefined if the response has no valid `expires_in`. */
  readonly expiresInSeconds: number | undefined;
  readonly scopes: readonly string[];
  /** The scopes that the authorization server was asked for: those of the ID-JAG, or the requested ones. Undefined if unknown. */
  readonly offeredScopes?: readonly string[] | undefined;
  /** True if a response or the ID-JAG contained the granted scopes. False: `scopes` are the requested scopes. */
  readonly scopesStated: boolean;
  readonly issuer: string;
  readonly resource: string;
  /** The time in the Date header of the token response, in milliseconds since the epoch. */
  readonly peerTimeMs?: number | undefined;
  /** The `sub` of the ID-JAG. Undefined in the flows without the IdP. */
  readonly subject?: string | undefined;
  /** The name of the party that acts for the subject: `act.sub` of the ID-JAG. */
  readonly actor?: string | undefined;
  /** Must be called if the MCP server refuses this token. After the second refusal the ID-JAG is not used again. */
  readonly refused?: (() => void) | undefined;
}

export interface GrantRequest {
  /** The key under which the token is cached. */
  readonly key: string;
  /** The scopes to request. Undefined: no scope is sent, and the IdP grants its default. */
  readonly scopes: readonly string[] | undefined;
  readonly signal: AbortSignal;
  /** The user for whom the bot acts. Undefined: the token is for the bot itself. */
  readonly user?: UserSession | undefined;
}

/** One of the ways to get an access token: `enterprise-managed`, `client-credentials` or `workload-identity`. */
export interface Flow {
  /** Acquires an access token. Throws a `CredenceError` with the leg that failed. */
  acquire(request: GrantRequest): Promise<Grant>;
  /**
   * Throws `subject_changed` if the source of subject tokens has another subject than the tokens in the store. Called before the first
   * token of the store is used.
   */
  checkSubject?(signal: AbortSignal): Promise<void>;
  /**
   * Throws `subject_changed` if the getter of the source returns a token of another subject, in the asynchronous context of the caller. Called
   * for a caller that waited for the acquisition of another one: its getter may return the token of another request of the application.
   */
  checkCaller?(signal: AbortSignal | undefined): Promise<void>;
}
