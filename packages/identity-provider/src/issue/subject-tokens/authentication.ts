import type { UserAuthentication } from '../policy.ts';
import { CLOCK_TOLERANCE_SECONDS } from './subject-token.ts';

/**
 * How the user signed in, from the claims of an ID token (OpenID Connect Core section 2). Missing claims are left out. An invalid
 * `auth_time`, or one in the future, is left out too, because it would meet every requirement for a recent sign-in.
 */
export function userAuthentication(claims: Readonly<Record<string, unknown>>, now: Date): UserAuthentication {
  const { auth_time: time, acr, amr } = claims;
  const authenticatedAt = new Date(typeof time === 'number' ? time * 1000 : Number.NaN);
  const methods = Array.isArray(amr) ? amr.filter((method) => typeof method === 'string') : undefined;
  return {
    ...(authenticatedAt.getTime() <= now.getTime() + CLOCK_TOLERANCE_SECONDS * 1000 && { authenticatedAt }),
    ...(typeof acr === 'string' && { acr }),
    ...(methods !== undefined && { amr: methods }),
  };
}
