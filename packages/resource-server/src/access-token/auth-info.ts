/** What the MCP SDKs call AuthInfo, structurally: this package depends on neither of them. */
export interface AccessTokenInfo {
  /** The access token as it was sent. */
  token: string;
  /** The client that the token was issued to. */
  clientId: string;
  /** The scopes of the token. */
  scopes: string[];
  /** Epoch seconds. */
  expiresAt: number;
  /** The resource identifier that the token is for. */
  resource: URL;
  /** Who is calling, and the claims of the token. */
  extra: AccessTokenIdentity & Record<string, unknown>;
}

/** Who is calling, for tool handlers (`extra.authInfo.extra` in the SDKs). */
export interface AccessTokenIdentity {
  /** `sub`: the account at the authorization server; absent where the token is the client's own. */
  subject?: string;
  /** The issuer identifier of the authorization server. */
  issuer: string;
  /** `act` (RFC 8693 section 4.1): who uses the subject's access. */
  actor?: Record<string, unknown>;
  /** The claim `groups`, where the token has it. */
  groups?: string[];
  /** The claim `roles`, where the token has it. */
  roles?: string[];
  /** RFC 9396. */
  authorizationDetails?: { type: string; [member: string]: unknown }[];
  /** The key the token is bound to, where it was sent with a proof by it (`cnf.jkt`). */
  dpopThumbprint?: string;
  /** Everything the token or the introspection answer says. */
  claims: Record<string, unknown>;
}
