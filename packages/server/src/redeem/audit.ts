/** One token request at an authorization server that redeems ID-JAGs. Never a token, never an assertion. */
export interface RedeemAuditRecord {
  readonly time: Date;
  readonly granted: boolean;
  /** The authenticated client. */
  readonly clientId?: string;
  /**
   * Instead of `clientId` where the provider refused the request early: the client it names, which may not have
   * authenticated.
   */
  readonly claimedClientId?: string;
  /** `iss` of the ID-JAG, once its signature is verified; so are `subject` and `jti`. */
  readonly issuer?: string;
  /** `sub` of the ID-JAG. */
  readonly subject?: string;
  /** The account here that the subject was linked to. */
  readonly accountId?: string;
  readonly resource?: string;
  /** The `scope` parameter, or the ID-JAG's scopes where there is none. */
  readonly requestedScopes?: readonly string[];
  readonly grantedScopes?: readonly string[];
  /** `jti` of the ID-JAG: the same as in the identity provider's record. */
  readonly jti?: string;
  readonly tokenType?: 'Bearer' | 'DPoP';
  /** The OAuth error answered. */
  readonly error?: string;
  /** What an administrator needs to know about it. */
  readonly reason?: string;
}

export type RedeemDraft = { -readonly [K in keyof RedeemAuditRecord]?: RedeemAuditRecord[K] };
