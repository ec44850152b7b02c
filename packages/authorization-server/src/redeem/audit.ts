import type { IdJagErrorCode } from '@credence/protocol';
import { cleanRecord, type RefusedRequest } from '../grant/audit-record.ts';

/**
 * One token request at an authorization server that redeems ID-JAGs. Never a token, never an assertion; texts are without
 * control characters, and like lists cut where they are long.
 */
export interface RedeemAuditRecord {
  /** When the request was decided. */
  readonly time: Date;
  /** Whether an access token was issued. */
  readonly granted: boolean;
  /** The authenticated client. */
  readonly clientId?: string;
  /**
   * Instead of `clientId` where the request was refused early: the client it names, which may not have authenticated.
   */
  readonly claimedClientId?: string;
  /** The client that the ID-JAG was issued for, where that is another one. */
  readonly intendedClientId?: string;
  /** `iss` of the ID-JAG, once its signature is verified; so are `tenant`, `subject` and `jti`. */
  readonly issuer?: string;
  /** The claim `tenant` of the ID-JAG. */
  readonly tenant?: string;
  /** `sub` of the ID-JAG. */
  readonly subject?: string;
  /** The account here that the subject was linked to. */
  readonly accountId?: string;
  /** How, where `linkAccounts` did it. */
  readonly linkedBy?: 'subject' | 'email' | 'provisioning';
  /** The resource that the access token is for. */
  readonly resource?: string;
  /** The `scope` parameter, or the ID-JAG's scopes where there is none. */
  readonly requestedScopes?: readonly string[];
  /** The scopes of the access token. */
  readonly grantedScopes?: readonly string[];
  /** Types of the granted `authorization_details`. */
  readonly grantedDetailsTypes?: readonly string[];
  /** `jti` of the ID-JAG: the same as in the identity provider's record. */
  readonly jti?: string;
  /** Whether the access token is bound to a key (RFC 9449) or not. */
  readonly tokenType?: 'Bearer' | 'DPoP';
  /** The OAuth error answered. */
  readonly error?: string;
  /** Which check the ID-JAG, or with `replay_unknown` the DPoP proof, did not pass; absent where it was none of those. */
  readonly code?: IdJagErrorCode;
  /** What an administrator needs to know about it. */
  readonly reason?: string;
}

/** What is granted, as the record of a grant says it. */
export type GrantedRedemption = Pick<RedeemAuditRecord, 'grantedScopes' | 'grantedDetailsTypes' | 'tokenType'>;

/** What is known of a request at one of its steps, whatever becomes of it. */
export interface KnownRedemption extends Partial<
  Omit<RedeemAuditRecord, 'time' | 'granted' | 'error' | 'reason' | keyof GrantedRedemption>
> {
  /** The tokens of the request, which no record may hold. */
  readonly secrets?: readonly string[];
}

export function grantedRecord(
  { secrets, ...known }: KnownRedemption,
  granted: GrantedRedemption,
  time: Date,
): RedeemAuditRecord {
  return cleanRecord({ ...known, ...granted, time, granted: true }, secrets);
}

export function refusedRecord(
  { secrets, ...known }: KnownRedemption,
  refusal: RefusedRequest,
  time: Date,
): RedeemAuditRecord {
  return cleanRecord({ ...known, ...refusal, time, granted: false }, secrets);
}
