/** A verified access token. Assignable to AuthInfo of the MCP SDKs, on which this package does not depend. */
export interface AccessTokenInfo {
  /** The access token as it was sent. */
  token: string;
  /** The client that the token was issued to. */
  clientId: string;
  /** The scopes of the token. */
  scopes: string[];
  /** When the token expires, in epoch seconds. */
  expiresAt: number;
  /** The resource identifier that the token is for. */
  resource: URL;
  /** The caller, and the claims of the token. */
  extra: AccessTokenIdentity & Record<string, unknown>;
}

/** The caller, for tool handlers (`extra.authInfo.extra` in the SDKs). */
export interface AccessTokenIdentity {
  /** `sub`: the account at the authorization server. Absent if the token was issued to the client itself. */
  subject?: string;
  /** The issuer identifier of the authorization server. */
  issuer: string;
  /** `act` (RFC 8693 section 4.1): the party that acts for the subject. */
  actor?: Record<string, unknown>;
  /** The claim `groups`, if the token has it. */
  groups?: string[];
  /** The claim `roles`, if the token has it. */
  roles?: string[];
  /** The claim `authorization_details` (RFC 9396), if the token has it. */
  authorizationDetails?: { type: string; [member: string]: unknown }[];
  /** The thumbprint of the key that the token is bound to (`cnf.jkt`), if the request had a proof by that key. */
  dpopThumbprint?: string;
  /** The id of the run, as the client states it in the header `Credence-Run`. It is not verified. */
  statedRun?: string;
  /** All claims of the token or of the introspection response. */
  claims: Record<string, unknown>;
}
