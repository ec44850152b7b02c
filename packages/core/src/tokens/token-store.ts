/** An access token as a store keeps it: plain data. It is a secret: a store outside the process encrypts it. */
export interface StoredToken {
  readonly value: string;
  readonly type: 'Bearer' | 'DPoP';
  /** Wall clock, milliseconds since the epoch. */
  readonly issuedAtMs: number;
  /** Wall clock, milliseconds since the epoch. */
  readonly expiresAtMs: number;
  readonly scopes: readonly string[];
  readonly missingScopes: readonly string[];
  readonly issuer: string;
  readonly resource: string;
}

/**
 * Where access tokens are kept beyond the principal's own memory, so that several principals of one identity share them. A
 * store may fail or forget: the principal goes on by itself and says so in an event.
 */
export interface TokenStore {
  get(key: string): Promise<StoredToken | undefined>;
  /** Keeps the token until it expires. */
  set(key: string, token: StoredToken): Promise<void>;
  /** Forgets the token of that value; another one under the same key stays. */
  delete(key: string, value: string): Promise<void>;
}
