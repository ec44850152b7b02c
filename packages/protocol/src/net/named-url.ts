import { isAddress } from './address.ts';
import { type FetchLike, isDefaultFetch } from './fetch-like.ts';
import { configuredHostKinds, type Resolve, systemResolve } from './resolved-address.ts';
import { judgeNamedUrl, type NetworkTrust, type UrlVerdict } from './url-policy.ts';

/**
 * Decides whether a URL from a peer's document may be requested, by the rules of {@link judgeNamedUrl}. A loopback, private
 * or benchmarking address is also allowed if the configured host is a name whose addresses are all non-public and include
 * one of that kind. Link-local and reserved addresses are never allowed because of what a name resolves to. With the
 * caller's own `fetch` function, no name is resolved. Returns a promise only if a name is resolved.
 */
export function decideNamedUrl(
  value: string,
  configuredUrl: URL,
  fetch: FetchLike,
  trust: NetworkTrust = {},
  resolve: Resolve = systemResolve,
): UrlVerdict | Promise<UrlVerdict> {
  const verdict = judgeNamedUrl(value, configuredUrl, trust);
  if (verdict.fault !== 'address' || !isDefaultFetch(fetch) || isAddress(configuredUrl.hostname)) return verdict;
  return configuredHostKinds(configuredUrl, resolve).then((kinds) =>
    kinds.has(verdict.kind) ? judgeNamedUrl(value, configuredUrl, { ...trust, allowPrivateAddresses: true }) : verdict,
  );
}
