import { tokenHash } from './token-hash.ts';

/**
 * An access token for one MCP server. Only `.value` returns the token itself. If the object is printed, inspected or
 * serialised, the output contains a hash.
 */
export class AccessToken {
  /** The token type: `Bearer` (RFC 6750) or `DPoP` (RFC 9449). */
  readonly type: 'Bearer' | 'DPoP';
  /** The time at which the authorization server issued the token, by the wall clock of the process that requested it. */
  readonly issuedAt: Date;
  /** The time at which the token expires, by the wall clock of this machine. */
  readonly expiresAt: Date;
  /** The granted scopes. */
  readonly scopes: readonly string[];
  /** The scopes that were requested and not granted. */
  readonly missingScopes: readonly string[];
  /**
   * Those of `missingScopes` that the authorization server did not grant although the ID-JAG contains them, or although the
   * IdP does not take part. The owner of the MCP server decides on them; the IdP decides on the others.
   */
  readonly withheldScopes: readonly string[];
  /** The issuer identifier of the authorization server that issued the token. */
  readonly issuer: string;
  /** The resource identifier of the MCP server that the token is for (RFC 8707). */
  readonly resource: string;
  /** The configured name of the MCP server that the token is for. */
  readonly server: string;
  readonly #value: string;
  readonly #key: string;

  constructor(init: Omit<AccessToken, 'hash' | 'toJSON'> & { readonly key: string }) {
    this.type = init.type;
    this.issuedAt = init.issuedAt;
    this.expiresAt = init.expiresAt;
    this.scopes = init.scopes;
    this.missingScopes = init.missingScopes;
    this.withheldScopes = init.withheldScopes;
    this.issuer = init.issuer;
    this.resource = init.resource;
    this.server = init.server;
    this.#value = init.value;
    this.#key = init.key;
  }

  /** The token itself. Use it only for an Authorization header. */
  get value(): string {
    return this.#value;
  }

  /** A hash that identifies the token in logs and events. */
  get hash(): string {
    return tokenHash(this.#value);
  }

  /** The token as a plain object for logs, with its hash in place of its value. */
  toJSON(): Record<string, unknown> {
    const { type, issuedAt, expiresAt, scopes, missingScopes, withheldScopes, issuer, resource, server, hash } = this;
    return { type, issuedAt, expiresAt, scopes, missingScopes, withheldScopes, issuer, resource, server, hash };
  }

  /** The key under which a token is cached. */
  static keyOf(token: AccessToken): string {
    return token.#key;
  }
}
