import type { UserAuthentication } from '../issue/policy.ts';
import { CLOCK_TOLERANCE_SECONDS } from '../issue/subject-tokens/subject-token.ts';
import type { RequiredAuthentication } from './options.ts';

/** Why the user's sign-in does not meet the requirements, as a reason for the audit record. Undefined if it does. */
export function missingAuthentication(
  { maxAgeSeconds, acrValues = [], amr = [] }: RequiredAuthentication,
  actual: UserAuthentication | undefined,
  now: Date,
): string | undefined {
  if (maxAgeSeconds !== undefined) {
    const at = actual?.authenticatedAt?.getTime() ?? Number.NaN;
    const age = Math.floor((now.getTime() - at) / 1000);
    if (Number.isNaN(age)) return 'the subject token does not say when the user signed in';
    if (age < -CLOCK_TOLERANCE_SECONDS) return 'the time of the sign-in is in the future';
    if (age > maxAgeSeconds) return `the user signed in ${age} s ago, and ${maxAgeSeconds} s are allowed`;
  }
  if (acrValues.length > 0 && !acrValues.includes(actual?.acr ?? '')) {
    return `the user signed in with acr ${actual?.acr ?? '(none)'}, and one of ${acrValues.join(' ')} is required`;
  }
  const missing = amr.filter((method) => actual?.amr?.includes(method) !== true);
  return missing.length > 0 ? `the user signed in without ${missing.join(' ')}` : undefined;
}
