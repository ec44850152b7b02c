import { checkNumber } from '../options/numbers.ts';
import { checkReplayPolicy } from './replay.ts';
import { checkIssuers } from './trusted-issuers.ts';
import type { VerifyIdJagOptions } from './verify.ts';

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
