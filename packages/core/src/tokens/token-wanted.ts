import type { CredenceError } from '../errors/credence-error.ts';
import type { Grant } from '../flows/flow.ts';
import type { Refusal } from './refusals.ts';

/** The token that a caller requests, and the function that acquires it if it is not cached. */
export interface TokenWanted {
  readonly key: string;
  readonly server: string;
  readonly scopes: readonly string[] | undefined;
  /** The scopes that a token of the store may have. Undefined: any. */
  readonly ceiling?: readonly string[] | undefined;
  /** Whether an option leaves the scopes out of the request for the token, so that the authorization server may not grant them. */
  readonly omitsScope?: boolean | undefined;
  /** Whether the caller requested these scopes explicitly. Then a missing scope is an error, not a partial grant. */
  readonly explicit: boolean;
  /** Whether the timer renews the token. False for a token that `token()` acquires for explicit scopes. */
  readonly lasting: boolean;
  /** The authorization server whose acquisitions are limited together: its issuer, or the origin of the MCP server. */
  readonly limitedBy?: string | undefined;
  /** The user for whom the token is. A refusal for one user does not concern the others. */
  readonly owner?: string | undefined;
  readonly acquire: (signal: AbortSignal) => Promise<Grant>;
  /** Throws if a token of the store is for another subject. Called before such a token is used. */
  readonly checkSubject?: ((signal: AbortSignal) => Promise<void>) | undefined;
  /** Throws if the caller has another subject than the acquisition that it waited for. */
  readonly checkCaller?: ((signal: AbortSignal | undefined) => Promise<void>) | undefined;
}

/** The state of one key, for `status()`. */
export interface KeyState {
  /** The token, if a valid one is cached. */
  readonly token:
    | {
        readonly ageMs: number;
        readonly expiresInMs: number;
        readonly expiresAt: Date;
        readonly scopes: readonly string[];
      }
    | undefined;
  /** Whether a token was ever acquired. */
  readonly acquired: boolean;
  /** Whether the last acquisition failed. */
  readonly failing: boolean;
  readonly refusal: Refusal | undefined;
  readonly pausedForMs: number;
  readonly lastFailure: { readonly error: CredenceError; readonly atMs: number } | undefined;
}
