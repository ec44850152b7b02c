import type { ErrorCode } from '../errors/codes.ts';
import type { Contact, Leg } from '../errors/leg.ts';
import type { WarningCode } from '../runtime/events.ts';

/**
 * One record of the audit trail of a bot: which token was granted or refused, and why. The record contains only the
 * hash of a token.
 */
export interface AuditRecord {
  /** The time in ISO 8601. */
  readonly time: string;
  /**
   * `granted`: a token was obtained. `refused`: no token was obtained. `rejected`: the MCP server refused a token. `stepped-up`:
   * a token with more scopes was obtained. `call-failed`: a call to the MCP server failed. `warning`: a problem that did not make a
   * call fail.
   */
  readonly outcome: 'granted' | 'refused' | 'rejected' | 'stepped-up' | 'call-failed' | 'warning';
  /** The principal's client id at the IdP. */
  readonly principal?: string | undefined;
  /** The `label` of the principal, if it has one. */
  readonly label?: string | undefined;
  /** Who the human is, for a principal that acts for a user: the `identity` of `onBehalfOf`. */
  readonly user?: string | undefined;
  /** Which run: the id that the caller has stated (`run`). For the same token in several runs: the run that acquired it. */
  readonly run?: string | undefined;
  /** The `sub` of the ID-JAG: whom the granted token is for. The servers' audit records have it, too. */
  readonly subject?: string | undefined;
  /** Who the agent is: the name in `act` of the ID-JAG (RFC 8693 section 4.1), if the bot acts for a user. */
  readonly actor?: string | undefined;
  /** The configured name of the MCP server. */
  readonly server?: string | undefined;
  /** The issuer identifier of the IdP or authorization server that decided. */
  readonly issuer?: string | undefined;
  /** The resource identifier that the token is for (RFC 8707). */
  readonly resource?: string | undefined;
  /** The scopes that were granted or added. */
  readonly scopes?: readonly string[] | undefined;
  /** The scopes that were configured and not granted. */
  readonly missingScopes?: readonly string[] | undefined;
  /** The leg that failed, or the leg in which the token was rejected or stepped up. */
  readonly leg?: Leg | undefined;
  /** What failed: a key of `ERROR_CODES`; for a warning, the kind of problem. */
  readonly code?: ErrorCode | WarningCode | undefined;
  /** The OAuth error code. */
  readonly error?: string | undefined;
  /** The HTTP status, if the peer answered. */
  readonly status?: number | undefined;
  /** What the peer said, in its own words, cleaned and at most 300 characters. */
  readonly peerText?: string | undefined;
  /** The code of the cause, such as `ECONNREFUSED`. */
  readonly causeCode?: string | undefined;
  /** The time to wait that the peer sent in `Retry-After`, in seconds. */
  readonly retryAfterSeconds?: number | undefined;
  /** If earlier acquisitions failed too: when the first failure in a row happened, in ISO 8601. */
  readonly since?: string | undefined;
  /** If earlier acquisitions failed too: how many callers got an error since then. */
  readonly failedCalls?: number | undefined;
  /** Why no token was obtained, why the call failed or what the problem is, in one sentence that Credence writes. */
  readonly reason?: string | undefined;
  /** What to do, in one sentence. */
  readonly remedy?: string | undefined;
  /** Who can correct the cause. */
  readonly contact?: Contact | undefined;
  /** A hash that identifies the token. The token cannot be computed from it. */
  readonly tokenHash?: string | undefined;
  /** `call`: a caller waited for the token. `renewal`: the token was renewed in the background. */
  readonly during?: 'call' | 'renewal' | undefined;
}
