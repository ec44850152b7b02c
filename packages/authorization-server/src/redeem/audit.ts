import type { IdJagErrorCode } from '@credence/protocol';
import { cleanRecord, type RefusedRequest } from '../grant/audit-record.ts';
import type { RequestSecrets } from '../grant/request-secrets.ts';

/**
 * The audit record of one token request at an authorization server that redeems ID-JAGs. The record contains no token
 * and no assertion. Texts contain no control characters, and long texts and lists are cut.
 */
export interface RedeemAuditRecord {
  /** When the request was decided. */
  readonly time: Date;
  /** Whether an access token was issued. */
  readonly granted: boolean;
  /** The authenticated client. */
  readonly clientId?: string;
  /**
   * Instead of `clientId`, if the request was refused early: the client id in the request. The client may not have
   * authenticated.
   */
  readonly claimedClientId?: string;
  /** The client that the ID-JAG was issued for, if that is another client. */
  readonly intendedClientId?: string;
  /**
   * The claim `iss` of the ID-JAG. `issuer`, `tenant`, `subject` and `jti` are set only if the signature of the ID-JAG is
   * valid.
   */
  readonly issuer?: string;
  /** The claim `tenant` of the ID-JAG. */
  readonly tenant?: string;
  /** `sub` of the ID-JAG. */
  readonly subject?: string;
  /** The name in `act` of the ID-JAG (RFC 8693 section 4.1): the principal that acts for the subject. */
  readonly actor?: string;
  /** The account of the subject at this authorization server. */
  readonly accountId?: string;
  /** How `linkAccounts` found the account, if it was used. */
  readonly linkedBy?: 'subject' | 'email' | 'provisioning';
  /** The resource that the access token is for. */
  readonly resource?: string;
  /** The `scope` parameter, or the ID-JAG's scopes if there is no such parameter. */
  readonly requestedScopes?: readonly string[];
  /** The scopes of the access token. */
  readonly grantedScopes?: readonly string[];
  /** The types of the granted `authorization_details`. */
  readonly grantedDetailsTypes?: readonly string[];
  /** `jti` of the ID-JAG, which is also in the identity provider's audit record. */
  readonly jti?: string;
  /** `DPoP` if the access token is bound to a key (RFC 9449), else `Bearer`. */
  readonly tokenType?: 'Bearer' | 'DPoP';
  /** The OAuth error that was sent to the client. */
  readonly error?: string;
  /** The check that the ID-JAG failed. `replay_unknown` can also mean the DPoP proof. Absent for any other reason. */
  readonly code?: IdJagErrorCode;
  /** The reason of a refusal, for an administrator. */
  readonly reason?: string;
}

/** The members of a record about the issued access token. */
export type GrantFacts = Pick<RedeemAuditRecord, 'grantedScopes' | 'grantedDetailsTypes' | 'tokenType'>;

/** The members of a record about the request. Each step of the grant adds some. */
export interface RequestFacts extends Partial<
  Omit<RedeemAuditRecord, 'time' | 'granted' | 'error' | 'reason' | keyof GrantFacts>
> {
  /** The credentials of the request, which are removed from the record. */
  readonly secrets?: RequestSecrets;
}

export function grantedRecord(
  { secrets, ...requestFacts }: RequestFacts,
  grantFacts: GrantFacts,
  time: Date,
): RedeemAuditRecord {
  return cleanRecord({ ...requestFacts, ...grantFacts, time, granted: true }, secrets);
}

export function refusedRecord(
  { secrets, ...requestFacts }: RequestFacts,
  refusal: RefusedRequest,
  time: Date,
): RedeemAuditRecord {
  return cleanRecord({ ...requestFacts, ...refusal, time, granted: false }, secrets);
}
