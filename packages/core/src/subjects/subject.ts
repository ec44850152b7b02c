import type { ClientCredential } from '../credentials/credential.ts';

/** A token that identifies the principal, which the IdP exchanges for an ID-JAG (RFC 8693 section 2.1). */
export interface SubjectToken {
  /** The token itself, which is a secret. */
  readonly token: string;
  /** The lifetime from now, in seconds. If undefined, the token is not cached and the source is called each time. */
  readonly expiresInSeconds?: number | undefined;
  /** After this time the source is called again, in seconds. If it fails then, the token is used until it expires. Default: shortly before it expires. */
  readonly lookAgainInSeconds?: number | undefined;
}

/** The party that a subject token is sent to. */
export interface SubjectTokenTarget {
  /** The configured issuer of the IdP or of the authorization server. */
  readonly issuer: string;
  /** The URL of its token endpoint, from the configuration or from its metadata. */
  tokenEndpoint(): Promise<string>;
}

/** The functions that a subject token source can use to get its token. */
export interface SubjectContext {
  /** Aborted if the token is no longer needed or the time limit has passed. */
  readonly signal: AbortSignal;
  /** The party that the token is sent to. */
  readonly target: SubjectTokenTarget;
  /** The time of the wall clock, in milliseconds since the epoch. */
  nowMs(): number;
  /** Requests a token by `client_credentials`, or for `exchanged` by token exchange (RFC 8693), at the IdP or at `issuer`. */
  clientCredentials(request: {
    issuer?: string | undefined;
    credential?: ClientCredential | undefined;
    parameters: Readonly<Record<string, string | undefined>>;
    field: string;
    exchanged?: { readonly token: string; readonly type: string } | undefined;
  }): Promise<SubjectToken>;
}

/** How tokens are used that the IdP may replace with each use. */
export interface SubjectTokenRotation {
  /** Runs `use` after all earlier uses have ended. Rejects with the reason of `signal` if it is aborted during the wait. */
  exclusively<T>(use: () => Promise<T>, signal: AbortSignal): Promise<T>;
  /** The IdP has replaced `used` by `next`. Waits until the application has stored it. Never throws. */
  rotated(used: string, next: string, signal: AbortSignal): Promise<'stored' | 'failed' | 'not-stored'>;
}

/** A source of subject tokens. */
export interface SubjectTokenSource {
  /** The name of the kind of source, such as `ownToken`. The name is part of events and token keys. */
  readonly kind: string;
  /** The `subject_token_type`, sent as configured and never derived from the token. */
  readonly type: string;
  /** Distinguishes this source from others of its kind, for example by client and scope. Part of each token key. Not a secret. */
  readonly identity: string;
  /** The issuer of the token, if it is not the IdP. `credential` is then required. */
  readonly issuer?: string | undefined;
  /** The credential of the client that requests the token, if it is not the credential of the principal at the IdP. */
  readonly credential?: ClientCredential | undefined;
  /** Whether the token depends on the party that it is sent to. If true, one token is cached for each party. */
  readonly perTarget?: boolean | undefined;
  /**
   * Whether `get` only reads a file that another program replaces. If it cannot be read and no earlier token is usable, it is read
   * again until the time limit of the acquisition.
   */
  readonly local?: boolean | undefined;
  /** Set if the IdP may replace the token with each use, so that exchanges must run one after the other. */
  readonly rotation?: SubjectTokenRotation | undefined;
  /** Gets the token. This method is called each time a token is needed and none is cached. Throws a `CredenceError`. */
  get(context: SubjectContext): Promise<SubjectToken>;
}

/** Returns a token of the application. This function is called each time a token is needed. */
export type TokenGetter = (context: { signal: AbortSignal }) => string | Promise<string>;
