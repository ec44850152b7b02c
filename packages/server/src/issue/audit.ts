/** One token exchange at an identity provider that issues ID-JAGs. Never a token. */
export interface IssueAuditRecord {
  readonly time: Date;
  readonly granted: boolean;
  /** The authenticated client. */
  readonly clientId?: string;
  /**
   * Instead of `clientId` where the provider refused the request early: the client it names, which may not have
   * authenticated.
   */
  readonly claimedClientId?: string;
  /** Once the subject token is verified. */
  readonly subject?: string;
  readonly subjectTokenType?: string;
  /** As requested; where an ID-JAG was issued, as it says. */
  readonly audience?: string;
  /** As requested; where an ID-JAG was issued, as it says. */
  readonly resource?: readonly string[];
  /** Absent where the client asked for the default grant. */
  readonly requestedScopes?: readonly string[];
  readonly grantedScopes?: readonly string[];
  /** `jti` of the ID-JAG: the same as in the authorization server's record. */
  readonly jti?: string;
  readonly expiresAt?: Date;
  /** Whether the ID-JAG is bound to a key (`cnf.jkt`). */
  readonly bound?: boolean;
  /** The OAuth error answered. */
  readonly error?: string;
  /** What an administrator can act on. */
  readonly reason?: string;
}

export type IssueDraft = { -readonly [K in keyof IssueAuditRecord]?: IssueAuditRecord[K] };
