import type { UserAuthentication } from '../policy.ts';

/** How somebody signed in, from the claims of an ID token (OpenID Connect Core section 2); what is not there is left out. */
export function userAuthentication(claims: Readonly<Record<string, unknown>>): UserAuthentication {
  const { auth_time: time, acr, amr } = claims;
  const methods = Array.isArray(amr) ? amr.filter((method) => typeof method === 'string') : undefined;
  return {
    ...(typeof time === 'number' && Number.isFinite(time) && { authenticatedAt: new Date(time * 1000) }),
    ...(typeof acr === 'string' && { acr }),
    ...(methods !== undefined && { amr: methods }),
  };
}
