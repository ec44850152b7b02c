/** What the MCP SDKs call AuthInfo, structurally: this package depends on neither of them. */
export interface AccessTokenInfo {
  token: string;
  clientId: string;
  scopes: string[];
  /** Epoch seconds. */
  expiresAt: number;
  resource: URL;
  extra: AccessTokenIdentity & Record<string, unknown>;
}

/** Who is calling, for tool handlers (`extra.authInfo.extra` in the SDKs). */
export interface AccessTokenIdentity {
  /** `sub`: the account at the authorization server; absent where the token is the client's own. */
  subject?: string;
  issuer: string;
  /** `act` (RFC 8693 section 4.1): who uses the subject's access. */
  actor?: Record<string, unknown>;
  groups?: string[];
  roles?: string[];
  /** RFC 9396. */
  authorizationDetails?: { type: string; [member: string]: unknown }[];
  /** The key the token is bound to, where it was sent with a proof by it (`cnf.jkt`). */
  dpopThumbprint?: string;
  /** Everything the token or the introspection answer says. */
  claims: Record<string, unknown>;
}
