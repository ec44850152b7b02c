import { tokenHash } from './token-hash.ts';

/**
 * An access token for one MCP server. Its value is given only to who asks for `.value`: printing, inspecting or serialising
 * the object shows a hash.
 */
export class AccessToken {
  /** How it is presented: `Bearer` (RFC 6750) or `DPoP` (RFC 9449). */
  readonly type: 'Bearer' | 'DPoP';
  /** When the authorization server says it ends, on this machine's wall clock. */
  readonly expiresAt: Date;
  /** What was granted. */
  readonly scopes: readonly string[];
  /** What was configured and not granted: not empty for a partial grant. */
  readonly missingScopes: readonly string[];
  /** The authorization server that issued it. */
  readonly issuer: string;
  /** The resource identifier of the server it is for (RFC 8707). */
  readonly resource: string;
  /** The configured name of that server. */
  readonly server: string;
  readonly #value: string;
  readonly #key: string;

  constructor(init: Omit<AccessToken, 'hash' | 'toJSON'> & { readonly key: string }) {
    this.type = init.type;
    this.expiresAt = init.expiresAt;
    this.scopes = init.scopes;
    this.missingScopes = init.missingScopes;
    this.issuer = init.issuer;
    this.resource = init.resource;
    this.server = init.server;
    this.#value = init.value;
    this.#key = init.key;
  }

  /** The token itself: for an Authorization header and for nothing else. */
  get value(): string {
    return this.#value;
  }

  /** Names the token in logs and events. */
  get hash(): string {
    return tokenHash(this.#value);
  }

  /** The token as plain data, with its hash in the place of its value: for logs. */
  toJSON(): Record<string, unknown> {
    const { type, expiresAt, scopes, missingScopes, issuer, resource, server, hash } = this;
    return { type, expiresAt, scopes, missingScopes, issuer, resource, server, hash };
  }

  /** The key a token is kept under. */
  static keyOf(token: AccessToken): string {
    return token.#key;
  }
}
