import { isAddress } from './address.ts';
import { defaultFetch, type FetchLike } from './fetch-like.ts';
import { anchorKinds, type Resolve, systemResolve } from './resolved-address.ts';
import { judgeNamedUrl, type NetworkTrust, type UrlVerdict } from './url-policy.ts';

/**
 * Decides whether a URL from a peer's document may be requested, by the rules of {@link judgeNamedUrl}. In addition, a
 * loopback, private or reserved address in the URL is allowed if the anchor's host name resolves to an address of the same
 * kind. With the caller's own `fetch` function, no name is resolved. Returns a promise only if a name is resolved.
 */
export function decideNamedUrl(
  value: string,
  anchor: URL,
  fetch: FetchLike,
  trust: NetworkTrust = {},
  resolve: Resolve = systemResolve,
): UrlVerdict | Promise<UrlVerdict> {
  const verdict = judgeNamedUrl(value, anchor, trust);
  if (verdict.fault !== 'address' || fetch !== defaultFetch || isAddress(anchor.hostname)) return verdict;
  return anchorKinds(anchor, resolve).then((kinds) =>
    kinds.has(verdict.kind) ? judgeNamedUrl(value, anchor, { ...trust, allowPrivateAddresses: true }) : verdict,
  );
}
