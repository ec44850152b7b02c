/** The client and the scopes of a valid access token. */
export interface TokenInfo {
  readonly clientId: string;
  readonly scopes: readonly string[];
}

/** Verifies a bearer token. If it returns undefined, the response is 401. */
export type VerifyToken = (token: string) => TokenInfo | undefined | Promise<TokenInfo | undefined>;

/** The access tokens that an MCP server accepts. Tests add and revoke them while the server runs. */
export class TokenTable {
  readonly #tokens = new Map<string, TokenInfo>();

  constructor(tokens: Readonly<Record<string, readonly string[]>> = {}) {
    for (const [token, scopes] of Object.entries(tokens)) this.grant(token, scopes);
  }

  readonly verify = (token: string): TokenInfo | undefined => this.#tokens.get(token);

  grant(token: string, scopes: readonly string[], clientId = 'test-client'): void {
    this.#tokens.set(token, { clientId, scopes });
  }

  revoke(token: string): void {
    this.#tokens.delete(token);
  }

  revokeAll(): void {
    this.#tokens.clear();
  }
}
