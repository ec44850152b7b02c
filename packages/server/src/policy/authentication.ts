import type { UserAuthentication } from '../issue/policy.ts';
import type { RequiredAuthentication } from './options.ts';

/** What is missing in how a user signed in, in words; undefined where nothing is. */
export function missingAuthentication(
  { maxAgeSeconds, acrValues = [], amr = [] }: RequiredAuthentication,
  actual: UserAuthentication | undefined,
  now: Date,
): string | undefined {
  if (maxAgeSeconds !== undefined) {
    const at = actual?.authenticatedAt;
    if (at === undefined) return 'the subject token does not say when the user signed in';
    const age = Math.floor((now.getTime() - at.getTime()) / 1000);
    if (age > maxAgeSeconds) return `the user signed in ${age} s ago, and ${maxAgeSeconds} s are allowed`;
  }
  if (acrValues.length > 0 && !acrValues.includes(actual?.acr ?? '')) {
    return `the user signed in with acr ${actual?.acr ?? '(none)'}, and one of ${acrValues.join(' ')} is wanted`;
  }
  const missing = amr.filter((method) => actual?.amr?.includes(method) !== true);
  return missing.length > 0 ? `the user signed in without ${missing.join(' ')}` : undefined;
}
