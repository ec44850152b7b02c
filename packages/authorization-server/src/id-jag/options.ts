import { checkNumber, type FetchLike, type TrustedIssuer } from '@credence/protocol';
import { checkReplayPolicy, type ReplayPolicy } from './replay.ts';
import { checkIssuers } from './trusted-issuers.ts';

/** How ID-JAGs are verified. `issuers` is checked when it is first used: do not change the object after that. */
export interface VerifyIdJagOptions {
  /** The identity providers whose ID-JAGs are accepted, by issuer identifier, compared as a string. */
  readonly issuers: Readonly<Record<string, TrustedIssuer>>;
  /** This authorization server's own issuer identifier. */
  readonly audience: string;
  /** The client that authenticated on this request. */
  readonly clientId: string;
  /**
   * For a multi-tenant authorization server: the tenant that the client belongs to. If set, the ID-JAG's `aud_tenant` must
   * equal it.
   */
  readonly audienceTenant?: string | undefined;
  /**
   * The resource identifiers that this authorization server issues access tokens for. An ID-JAG whose `resource` claim
   * contains any other is refused with `invalid_grant`. Default: every resource is accepted.
   */
  readonly resources?: readonly string[] | undefined;
  /**
   * The JWK thumbprint (RFC 7638) of the key of this request's DPoP proof, which is verified already. Without it, an ID-JAG
   * that is bound to a key is refused.
   */
  readonly dpopThumbprint?: string | undefined;
  /** Whether an ID-JAG may be redeemed more than once. Default: `'bound-to-client'`. */
  readonly replay?: ReplayPolicy | undefined;
  /** The largest difference between the clocks of the issuer and this server, in seconds, at most 3600. Default: 5. */
  readonly clockToleranceSeconds?: number | undefined;
  /** The largest `exp - iat` that is accepted, in seconds. Default: 3600. */
  readonly maxLifetimeSeconds?: number | undefined;
  /** The current time. Default: the system's clock. */
  readonly now?: (() => Date) | undefined;
  /** Sends the requests for metadata and key sets. Default: the global fetch. */
  readonly fetch?: FetchLike | undefined;
}

/**
 * Throws a TypeError that begins with `where` for invalid options. `audience` is this authorization server's own issuer
 * identifier.
 */
export function checkIdJagOptions(
  where: string,
  options: Pick<VerifyIdJagOptions, 'issuers' | 'replay' | 'clockToleranceSeconds' | 'maxLifetimeSeconds'>,
  audience: string,
): void {
  checkNumber(where, 'clockToleranceSeconds', options.clockToleranceSeconds, { max: 3600 });
  checkNumber(where, 'maxLifetimeSeconds', options.maxLifetimeSeconds, { min: 1 });
  checkReplayPolicy(where, options.replay);
  checkIssuers(where, options.issuers, audience);
}
