import { judgeConfiguredUrl } from './url-policy.ts';

/** Throws a TypeError that begins with `where` for a URL that an operator configured and that may not be requested. */
export function checkConfiguredUrl(where: string, url: string): void {
  const { fault } = judgeConfiguredUrl(url);
  if (fault === undefined) return;
  // The message leaves out the URL, because it contains a password.
  if (fault === 'user-info') throw new TypeError(`${where}: the URL contains a user name or password`);
  throw new TypeError(`${where}: ${url} is neither https nor on loopback`);
}
