import {
  cleanRecord,
  createAuditedSteps,
  type RefusedRequest,
  type RequestSecrets,
} from '@credence/authorization-server/internals';
import type { IssueStatus } from './status.ts';

/**
 * The audit record of one token exchange. The record contains no token. Control characters are removed, texts are cut to
 * 300 characters, and lists to 50 entries.
 */
export interface IssueAuditRecord {
  /** When the request was decided. */
  readonly time: Date;
  /** Whether an ID-JAG was issued. */
  readonly granted: boolean;
  /** The outcome as a code; `reason` explains it in a sentence. A policy may set its own codes for denials. */
  readonly status: IssueStatus | (string & {});
  /** The client id of the authenticated client. */
  readonly clientId?: string;
  /**
   * The client id in the request, in place of `clientId`, if oidc-provider refused the request. The client may not have
   * authenticated.
   */
  readonly claimedClientId?: string;
  /** The subject of the subject token. Absent if the subject token was not verified. */
  readonly subject?: string;
  /** The `sub` of the ID-JAG, if it differs from `subject` (a pairwise identifier, for example). */
  readonly issuedSubject?: string;
  /** The `subject_token_type` parameter (RFC 8693 section 2.1). */
  readonly subjectTokenType?: string;
  /** The platform and the `sub` of the workload JWT, if the subject token is one. */
  readonly workload?: { readonly issuer: string; readonly subject?: string };
  /** The principal that acts for the subject. Absent if there is no verified actor token. */
  readonly actor?: string;
  /** The `aud` of the ID-JAG, or the requested audience if none was issued. */
  readonly audience?: string;
  /** The resources of the ID-JAG (empty if it has none), or the requested resources if none was issued. */
  readonly resource?: readonly string[];
  /** The requested scopes. Absent if the request names no scope. */
  readonly requestedScopes?: readonly string[];
  /** The scopes of the ID-JAG. Absent if no ID-JAG was issued or it has no scope. */
  readonly grantedScopes?: readonly string[];
  /** The `jti` of the ID-JAG. The authorization server's audit record has the same. */
  readonly jti?: string;
  /** When the ID-JAG expires. */
  readonly expiresAt?: Date;
  /** Whether the ID-JAG is bound to a key (`cnf.jkt`). */
  readonly bound?: boolean;
  /** The OAuth error code in the response. */
  readonly error?: string;
  /**
   * Why the request was refused, for an administrator. If an ID-JAG was issued: the reason of the policy's grant, if it has one.
   */
  readonly reason?: string;
}

/** The members of an audit record that describe the issued ID-JAG. */
export type GrantFacts = Pick<
  IssueAuditRecord,
  'issuedSubject' | 'audience' | 'resource' | 'grantedScopes' | 'jti' | 'expiresAt' | 'bound' | 'reason'
>;

/**
 * The members of an audit record about the request. Each step of the exchange adds some. `status` is recorded if the current
 * step refuses the request.
 */
export interface RequestFacts
  extends
    Pick<IssueAuditRecord, 'status'>,
    Partial<
      Pick<
        IssueAuditRecord,
        'clientId' | 'subject' | 'subjectTokenType' | 'workload' | 'actor' | 'audience' | 'resource' | 'requestedScopes'
      >
    > {
  /** The credentials of the request, which are removed from the record. */
  readonly secrets?: RequestSecrets;
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
