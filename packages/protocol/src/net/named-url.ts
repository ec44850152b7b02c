import { isAddress } from './address.ts';
import { defaultFetch, type FetchLike } from './fetch-like.ts';
import { kindsOf, type Resolve, systemResolve } from './resolved-address.ts';
import { judgeNamedUrl, type NetworkTrust, type UrlVerdict } from './url-policy.ts';

/**
 * Whether a URL that a peer's document named may be requested, as {@link judgeNamedUrl} decides; a loopback, private or
 * reserved address in it is allowed also where the anchor's host name resolves to one of the same kind. With a `fetch`
 * function of the caller's own nothing is resolved. A promise only where a name is resolved.
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
  return kindsOf(anchor, resolve).then((kinds) =>
    kinds.has(verdict.kind) ? judgeNamedUrl(value, anchor, { ...trust, allowPrivateAddresses: true }) : verdict,
  );
}
