import { cleanText } from '@credence/core';
import type { RefusedRequest } from '../grant/refused-request.ts';
import type { IssueStatus } from './status.ts';

/**
 * One token exchange at an identity provider that issues ID-JAGs. Never a token. What the client sent is printable, cut to
 * 300 characters, and lists to 50 entries.
 */
export interface IssueAuditRecord {
  readonly time: Date;
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
  readonly grantedScopes?: readonly string[];
  /** `jti` of the ID-JAG: the same as in the authorization server's record. */
  readonly jti?: string;
  readonly expiresAt?: Date;
  /** Whether the ID-JAG is bound to a key (`cnf.jkt`). */
  readonly bound?: boolean;
  /** The OAuth error answered. */
  readonly error?: string;
  /** What an administrator can act on. Where an ID-JAG was issued: what the policy says about it, if anything. */
  readonly reason?: string;
}

export type IssueDraft = { -readonly [K in keyof IssueAuditRecord]?: IssueAuditRecord[K] } & {
  /** What no record may hold, whatever parameter it was sent in. */
  secrets?: readonly string[];
  /** What broke, where it may be said. */
  fault?: string;
};

export function grantedRecord(draft: IssueDraft, time: Date): IssueAuditRecord {
  const { fault: _nothing, ...known } = draft;
  return clean({ ...known, time, granted: true, status: 'granted' });
}

export function refusedRecord(draft: IssueDraft, refusal: RefusedRequest, time: Date): IssueAuditRecord {
  const {
    grantedScopes: _none,
    jti: _neither,
    expiresAt: _nor,
    bound: _or,
    issuedSubject: _even,
    fault,
    ...known
  } = draft;
  const failed = refusal.error === 'server_error';
  return clean({
    ...known,
    ...refusal,
    ...(failed && fault !== undefined && { reason: fault }),
    time,
    granted: false,
    status: failed ? 'failed' : (known.status ?? 'failed'),
  });
}

const MAX_LISTED = 50;

function clean({ secrets = [], ...record }: IssueAuditRecord & Pick<IssueDraft, 'secrets'>): IssueAuditRecord {
  const { audience, resource, requestedScopes, grantedScopes, reason } = record;
  const text = (value: string) => cleanText(value, { secrets });
  const list = (values: readonly string[]) => [
    ...values.slice(0, MAX_LISTED).map(text),
    ...(values.length > MAX_LISTED ? [`and ${values.length - MAX_LISTED} more`] : []),
  ];
  return {
    ...record,
    ...(audience !== undefined && { audience: text(audience) }),
    ...(resource !== undefined && { resource: list(resource) }),
    ...(requestedScopes !== undefined && { requestedScopes: list(requestedScopes) }),
    ...(grantedScopes !== undefined && { grantedScopes: list(grantedScopes) }),
    ...(reason !== undefined && { reason: text(reason) }),
  };
}
