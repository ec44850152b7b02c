import { cleanText } from '@credence/core';
import type { RefusedRequest } from '../grant/refused-request.ts';

/**
 * One token request at an authorization server that redeems ID-JAGs. Never a token, never an assertion; texts are without
 * control characters, and like lists cut where they are long.
 */
export interface RedeemAuditRecord {
  readonly time: Date;
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
  readonly tenant?: string;
  /** `sub` of the ID-JAG. */
  readonly subject?: string;
  /** The account here that the subject was linked to. */
  readonly accountId?: string;
  /** How, where `linkAccounts` did it. */
  readonly linkedBy?: 'subject' | 'email' | 'provisioning';
  readonly resource?: string;
  /** The `scope` parameter, or the ID-JAG's scopes where there is none. */
  readonly requestedScopes?: readonly string[];
  readonly grantedScopes?: readonly string[];
  /** Types of the granted `authorization_details`. */
  readonly grantedDetailsTypes?: readonly string[];
  /** `jti` of the ID-JAG: the same as in the identity provider's record. */
  readonly jti?: string;
  readonly tokenType?: 'Bearer' | 'DPoP';
  /** The OAuth error answered. */
  readonly error?: string;
  /** What an administrator needs to know about it. */
  readonly reason?: string;
}

export type RedeemDraft = { -readonly [K in keyof RedeemAuditRecord]?: RedeemAuditRecord[K] } & {
  /** What no record may hold, whatever parameter it was sent in. */
  secrets?: readonly string[];
};

export function grantedRecord(draft: RedeemDraft, time: Date): RedeemAuditRecord {
  return clean({ ...draft, time, granted: true });
}

/** Of a draft, what a refusal leaves true. */
export function refusedRecord(draft: RedeemDraft, refusal: RefusedRequest, time: Date): RedeemAuditRecord {
  const { grantedScopes: _scopes, grantedDetailsTypes: _types, tokenType: _type, ...known } = draft;
  return clean({ ...known, ...refusal, time, granted: false });
}

const MAX_LISTED = 50;

function clean({ secrets = [], ...record }: RedeemAuditRecord & Pick<RedeemDraft, 'secrets'>): RedeemAuditRecord {
  const text = (value: string) => cleanText(value, { secrets });
  const member = (value: RedeemAuditRecord[keyof RedeemAuditRecord]) => {
    if (typeof value === 'string') return text(value);
    if (typeof value !== 'object' || value instanceof Date) return value;
    const more = value.length - MAX_LISTED;
    return [...value.slice(0, MAX_LISTED).map(text), ...(more > 0 ? [`and ${more} more`] : [])];
  };
  return { ...record, ...Object.fromEntries(Object.entries(record).map(([name, value]) => [name, member(value)])) };
}
