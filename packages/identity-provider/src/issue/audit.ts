import { cleanRecord, createSteps, type RefusedRequest } from '@credence/authorization-server/internals';
import type { IssueStatus } from './status.ts';

/**
 * One token exchange at an identity provider that issues ID-JAGs. Never a token; texts are without control characters and
 * cut to 300 characters, lists to 50 entries.
 */
export interface IssueAuditRecord {
  /** When the request was decided. */
  readonly time: Date;
  /** Whether an ID-JAG was issued. */
  readonly granted: boolean;
  /** In one word; `reason` has the sentence. A policy may use words of its own for its denials. */
  readonly status: IssueStatus | (string & {});
  /** The authenticated client. */
  readonly clientId?: string;
  /**
   * Instead of `clientId` where the provider refused the request early: the client it names, which may not have
   * authenticated.
   */
  readonly claimedClientId?: string;
  /** Once the subject token is verified: who it stands for here. */
  readonly subject?: string;
  /** `sub` of the ID-JAG, where it is another: what the authorization server knows them as. */
  readonly issuedSubject?: string;
  /** The `subject_token_type` parameter (RFC 8693 section 2.1). */
  readonly subjectTokenType?: string;
  /** Where the subject token is a workload JWT. */
  readonly workload?: { readonly issuer: string; readonly subject?: string };
  /** The principal that acts for the subject, once its actor token is verified. */
  readonly actor?: string;
  /** As requested; where an ID-JAG was issued, as it says. */
  readonly audience?: string;
  /** As requested; where an ID-JAG was issued, as it says: empty where it names none. */
  readonly resource?: readonly string[];
  /** Absent where the client asked for the default grant. */
  readonly requestedScopes?: readonly string[];
  /** The scopes that the ID-JAG says. Absent where none was issued or it says none. */
  readonly grantedScopes?: readonly string[];
  /** `jti` of the ID-JAG: the same as in the authorization server's record. */
  readonly jti?: string;
  /** When the ID-JAG expires. */
  readonly expiresAt?: Date;
  /** Whether the ID-JAG is bound to a key (`cnf.jkt`). */
  readonly bound?: boolean;
  /** The OAuth error answered. */
  readonly error?: string;
  /** What an administrator can act on. Where an ID-JAG was issued: what the policy says about it, if anything. */
  readonly reason?: string;
}

/** What is issued, as the record of a grant says it. */
export type IssuedFacts = Pick<
  IssueAuditRecord,
  'issuedSubject' | 'audience' | 'resource' | 'grantedScopes' | 'jti' | 'expiresAt' | 'bound' | 'reason'
>;

/** What is known of a request at one of its steps. `status`: what the record says where this step refuses it. */
export interface KnownExchange
  extends
    Pick<IssueAuditRecord, 'status'>,
    Partial<
      Pick<
        IssueAuditRecord,
        'clientId' | 'subject' | 'subjectTokenType' | 'workload' | 'actor' | 'audience' | 'resource' | 'requestedScopes'
      >
    > {
  /** The tokens of the request, which no record may hold. */
  readonly secrets?: readonly string[];
}

/** The steps of a token exchange. */
export const exchangeSteps = createSteps<KnownExchange>();

export function grantedRecord({ secrets, ...known }: KnownExchange, issued: IssuedFacts, time: Date): IssueAuditRecord {
  return cleanRecord({ ...known, ...issued, time, granted: true, status: 'granted' }, secrets);
}

export function refusedRecord(
  { secrets, ...known }: KnownExchange,
  refusal: RefusedRequest,
  time: Date,
): IssueAuditRecord {
  const status = refusal.error === 'server_error' ? 'failed' : known.status;
  return cleanRecord({ ...known, ...refusal, time, granted: false, status }, secrets);
}
