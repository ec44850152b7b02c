import type { UserAuthentication } from '../issue/policy.ts';
import { CLOCK_TOLERANCE_SECONDS } from '../issue/subject-tokens/subject-token.ts';
import type { RequiredAuthentication } from './options.ts';

/** What is missing in how a user signed in, in words; undefined where nothing is. */
export function missingAuthentication(
  { maxAgeSeconds, acrValues = [], amr = [] }: RequiredAuthentication,
  actual: UserAuthentication | undefined,
  now: Date,
): string | undefined {
  if (maxAgeSeconds !== undefined) {
    const at = actual?.authenticatedAt?.getTime() ?? Number.NaN;
    const age = Math.floor((now.getTime() - at) / 1000);
    if (Number.isNaN(age)) return 'the subject token does not say when the user signed in';
    if (age < -CLOCK_TOLERANCE_SECONDS) return 'the subject token says that the user will have signed in';
    if (age > maxAgeSeconds) return `the user signed in ${age} s ago, and ${maxAgeSeconds} s are allowed`;
  }
  if (acrValues.length > 0 && !acrValues.includes(actual?.acr ?? '')) {
    return `the user signed in with acr ${actual?.acr ?? '(none)'}, and one of ${acrValues.join(' ')} is wanted`;
  }
  const missing = amr.filter((method) => actual?.amr?.includes(method) !== true);
  return missing.length > 0 ? `the user signed in without ${missing.join(' ')}` : undefined;
}
