import { cleanRecord, createAuditedSteps, type RefusedRequest } from '@credence/authorization-server/internals';
import type { IssueStatus } from './status.ts';

/**
 * The audit record of one token exchange at an identity provider that issues ID-JAGs. It contains no token. Texts contain no
 * control characters and are cut to 300 characters. Lists are cut to 50 entries.
 */
export interface IssueAuditRecord {
  /** When the request was decided. */
  readonly time: Date;
  /** Whether an ID-JAG was issued. */
  readonly granted: boolean;
  /** The outcome as a code; `reason` explains it in a sentence. A policy may set other codes for its denials. */
  readonly status: IssueStatus | (string & {});
  /** The authenticated client. */
  readonly clientId?: string;
  /**
   * Instead of `clientId`, if the provider refused the request early: the client id in the request. The client may not have
   * authenticated.
   */
  readonly claimedClientId?: string;
  /** The subject of the subject token. Set only if the subject token is valid. */
  readonly subject?: string;
  /** `sub` of the ID-JAG, if it differs from `subject`. */
  readonly issuedSubject?: string;
  /** The `subject_token_type` parameter (RFC 8693 section 2.1). */
  readonly subjectTokenType?: string;
  /** The platform and the `sub` of the workload JWT. Only if the subject token is a workload JWT. */
  readonly workload?: { readonly issuer: string; readonly subject?: string };
  /** The principal that acts for the subject. Set only if the actor token is valid. */
  readonly actor?: string;
  /** `aud` of the ID-JAG. In the record of a refusal: the `audience` parameter. */
  readonly audience?: string;
  /** The resources of the ID-JAG; empty if it has none. In the record of a refusal: the `resource` parameters. */
  readonly resource?: readonly string[];
  /** The `scope` parameter. Absent if the request has none; it then requests the default scopes. */
  readonly requestedScopes?: readonly string[];
  /** The scopes of the ID-JAG. Absent if no ID-JAG was issued, or if it has no `scope` claim. */
  readonly grantedScopes?: readonly string[];
  /** `jti` of the ID-JAG, which is also in the authorization server's audit record. */
  readonly jti?: string;
  /** When the ID-JAG expires. */
  readonly expiresAt?: Date;
  /** Whether the ID-JAG is bound to a key (`cnf.jkt`). */
  readonly bound?: boolean;
  /** The OAuth error that was sent to the client. */
  readonly error?: string;
  /** The reason of a refusal, for an administrator. In the record of a grant: the `reason` of the policy's grant, if it has one. */
  readonly reason?: string;
}

/** The members of a record about the issued ID-JAG. */
export type GrantFacts = Pick<
  IssueAuditRecord,
  'issuedSubject' | 'audience' | 'resource' | 'grantedScopes' | 'jti' | 'expiresAt' | 'bound' | 'reason'
>;

/** The members of a record about the request. Each step adds some. `status` is the status if the current step refuses the request. */
export interface RequestFacts
  extends
    Pick<IssueAuditRecord, 'status'>,
    Partial<
      Pick<
        IssueAuditRecord,
        'clientId' | 'subject' | 'subjectTokenType' | 'workload' | 'actor' | 'audience' | 'resource' | 'requestedScopes'
      >
    > {
  /** The tokens of the request. They are removed from the texts of the record. */
  readonly secrets?: readonly string[];
}

/** The steps of a token exchange. */
export const exchangeSteps = createAuditedSteps<RequestFacts>();

export function grantedRecord(
  { secrets, ...requestFacts }: RequestFacts,
  grantFacts: GrantFacts,
  time: Date,
): IssueAuditRecord {
  return cleanRecord({ ...requestFacts, ...grantFacts, time, granted: true, status: 'granted' }, secrets);
}

export function refusedRecord(
  { secrets, ...requestFacts }: RequestFacts,
  refusal: RefusedRequest,
  time: Date,
): IssueAuditRecord {
  const status = refusal.error === 'server_error' ? 'failed' : requestFacts.status;
  return cleanRecord({ ...requestFacts, ...refusal, time, granted: false, status }, secrets);
}
