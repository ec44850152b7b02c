import type { ClientCredential } from '../credentials/credential.ts';

/** A token that says who the principal is, as the IdP will exchange it (RFC 8693 section 2.1). */
export interface SubjectToken {
  /** The token itself. It is a secret. */
  readonly token: string;
  /** From now, in seconds; undefined where it is asked for anew each time. */
  readonly expiresInSeconds?: number | undefined;
}

/** What a source may ask of the house to get its token. */
export interface SubjectContext {
  /** Aborted when the token is no longer needed, or the time to get it is up. */
  readonly signal: AbortSignal;
  /** The principal's own token by `client_credentials`, at the IdP or elsewhere. */
  clientCredentials(request: {
    issuer?: string | undefined;
    credential?: ClientCredential | undefined;
    parameters: Readonly<Record<string, string | undefined>>;
    field: string;
  }): Promise<SubjectToken>;
}

/** Where a subject token comes from: one file per source. */
export interface SubjectTokenSource {
  /** A short name of the kind of source, for events and keys. */
  readonly kind: string;
  /** `subject_token_type`, sent as configured and never guessed. */
  readonly type: string;
  /** What sets this source apart from another of its kind (client, scope): part of every token's key. No secret. */
  readonly identity: string;
  /** Another issuer than the IdP that gives the token, whose credential must be set with it. */
  readonly issuer?: string | undefined;
  /** The client that gets the token, where it is not the principal's own at the IdP. */
  readonly credential?: ClientCredential | undefined;
  /** Gets the token. Called again each time one is needed and none is kept. Throws `CredenceError`. */
  get(context: SubjectContext): Promise<SubjectToken>;
}

/** Gives a token that the application holds; asked each time one is needed. */
export type TokenGetter = (context: { signal: AbortSignal }) => string | Promise<string>;
