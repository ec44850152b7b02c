import { checkNumber, type FetchLike, type TrustedIssuer } from '@credence/protocol';
import { checkReplayPolicy, type ReplayPolicy } from './replay.ts';
import { checkIssuers } from './trusted-issuers.ts';

/** What an ID-JAG is held against. The objects in it are checked when they are first seen: do not change them later. */
export interface VerifyIdJagOptions {
  /** The identity providers whose ID-JAGs are accepted, by issuer identifier, compared as a string. */
  readonly issuers: Readonly<Record<string, TrustedIssuer>>;
  /** This authorization server's own issuer identifier. */
  readonly audience: string;
  /** The client that authenticated on this request. */
  readonly clientId: string;
  /**
   * The tenant of this authorization server that the client belongs to, where clients belong to tenants: the ID-JAG's
   * `aud_tenant` must be the same.
   */
  readonly audienceTenant?: string | undefined;
  /**
   * This authorization server's resource servers: an ID-JAG that names others only is refused with `invalid_target`.
   * Default: any.
   */
  readonly resources?: readonly string[] | undefined;
  /**
   * JWK thumbprint (RFC 7638) of the key of the verified DPoP proof on this request. A bound ID-JAG is refused
   * without it.
   */
  readonly dpopThumbprint?: string | undefined;
  /** Default: `'bound-to-client'`. */
  readonly replay?: ReplayPolicy | undefined;
  /** How far clocks may be apart, in seconds, 3600 at most. Default: 5. */
  readonly clockToleranceSeconds?: number | undefined;
  /** The longest `exp - iat` that is accepted, in seconds. Default: 3600. */
  readonly maxLifetimeSeconds?: number | undefined;
  /** The current time. Default: the system's clock. */
  readonly now?: (() => Date) | undefined;
  /** For fetching metadata and key sets. Default: the global one. */
  readonly fetch?: FetchLike | undefined;
}

/**
 * Throws a TypeError that begins with `where`, for options that cannot be meant. `audience` is this authorization
 * server's own issuer identifier.
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
